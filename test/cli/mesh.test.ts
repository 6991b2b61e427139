import { describe, expect, it } from 'vitest'
import { onceListening } from './listening.js'
import { printed, sidecarless, started } from './command.js'
import { attempt, fed, smallMesh } from './fed.js'

const ESCAPE = '\x1b'

/** The cells of a table by its headings; columns are two spaces apart at least. */
function tableIn(text: string): Record<string, string>[] {
  const [head = '', ...lines] = text.trimEnd().split('\n')
  const names = head.split(/ {2,}/)
  return lines.map((line) => Object.fromEntries(line.split(/ {2,}/).map((cell, i) => [names[i]!, cell])))
}

describe('sidecarless beside a control plane', () => {
  it('stat shows what each service answered, and each instance of one, and the same to programs', async () => {
    const { url } = await smallMesh()
    const [services, instances, json] = await Promise.all([
      sidecarless(['stat', '--url', url]),
      sidecarless(['stat', 'users'], { env: { MESH_CONTROL_PLANE: url } }),
      sidecarless(['stat', '--json'], { env: { CONSUL_HTTP_ADDR: new URL(url).host } }),
    ])
    expect([services.code, services.stderr]).toEqual([0, ''])
    expect(tableIn(services.stdout)).toMatchObject([{ SERVICE: 'orders' }, { SERVICE: 'users', P50: expect.stringMatching(/^(?:2\.9|3\.[01]) ms$/), DENIED: '1' }])
    expect(tableIn(instances.stdout).map(({ INSTANCE, STATUS, SUCCESS }) => [INSTANCE, STATUS, SUCCESS]).sort()).toEqual([
      ['users-1', 'passing', '100 %'],
      ['users-2', 'passing', '0 %'],
    ])
    expect(JSON.parse(json.stdout)).toMatchObject([{ service: 'orders' }, { service: 'users', p50Ms: expect.any(Number) }])
    expect(services.stdout + instances.stdout + json.stdout).not.toContain(ESCAPE)
  })

  it('edges and top show who calls whom; piped, top shows it once', async () => {
    const { url } = await smallMesh()
    const [edges, none, top, topJson] = await Promise.all([
      sidecarless(['edges', '--url', url, '--from', 'orders']),
      sidecarless(['edges', '--url', url, '--from', 'users']),
      sidecarless(['top', '--url', url]),
      sidecarless(['top', '--url', url, '--json', '--service', 'users']),
    ])
    const edge = { CALLER: 'orders', CALLEE: 'users', CALLS: '10', ATTEMPTS: '11', RETRIES: '1', ERRORS: '1', IDENTITY: 'shown' }
    expect(tableIn(edges.stdout)).toMatchObject([edge])
    expect(none).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('No call was seen') })
    expect(tableIn(top.stdout.split('\n\n')[1]!)).toMatchObject([edge])
    expect(JSON.parse(topJson.stdout)).toMatchObject({ services: [{}, {}], edges: [{ callee: 'users', retries: 1 }] })
    expect(top).toMatchObject({ code: 0, stderr: '' })
    expect(top.stdout).not.toContain(ESCAPE)
  })

  it('explain shows why instances are picked as they are', async () => {
    const { url } = await smallMesh()
    const { code, stdout } = await sidecarless(['explain', 'users', '--url', url])
    expect(code).toBe(0)
    const [, picks] = stdout.split(/\n\nAs orders saw each.*\n/)
    expect(tableIn(picks!)).toMatchObject([{ INSTANCE: 'users-1', COST: '7.5 ms', 'CHOSEN AMONG': '2 (1 left out)' }, { INSTANCE: 'users-2', ATTEMPTS: '1', COST: '–' }, {}])
    expect(stdout).toContain('cost = latency × (in flight + 1)')
  })

  it('denials shows who was refused and why', async () => {
    const { url } = await smallMesh()
    const { stdout } = await sidecarless(['denials', '--url', url])
    expect(tableIn(stdout)).toMatchObject([
      { SERVICE: 'users', CALLER: '–', ADDRESS: '127.0.0.9', STATUS: '401', REQUEST: 'GET /users/1', CODE: 'MESH_ERR_UNAUTHENTICATED', REASON: 'there is no token' },
    ])
  })

  it('traces lists them, and draws the one that an id begins', async () => {
    const { url, tell } = await fed()
    const traceId = 'feed'.padEnd(32, '0')
    const other = 'feedbee'.padEnd(32, '0')
    await tell('orders', { traceId, spanId: '1'.repeat(16), kind: 1, name: 'mesh.call users', ms: 20 } as never)
    await tell('orders', attempt('users-1@sidecarless', { 'http.request.resend_count': 2 }, { traceId, parentSpanId: '1'.repeat(16), ms: 10 }))
    await tell('orders', attempt('users-1', {}, { traceId: other, failed: true }))
    const ask = (...args: string[]) => sidecarless(['traces', ...args, '--url', url])
    const [list, failed, trace, whole, ambiguous, unknown, none] = await Promise.all([ask(), ask('--failed'), ask('feed00'), ask(traceId, '--json'), ask('feed'), ask('beef'), ask('0'.repeat(31) + '1')])
    expect(tableIn(list.stdout).map(({ TRACE }) => TRACE).sort()).toEqual([traceId, other].sort())
    expect(tableIn(failed.stdout)).toMatchObject([{ TRACE: other, RESULT: 'failed' }])
    expect(trace.stdout).toContain('└─ GET → users-1 ')
    expect(trace.stdout).toContain('retry 2, 200')
    expect(JSON.parse(whole.stdout)).toMatchObject({ traceId, spans: [{}, {}] })
    expect(ambiguous).toMatchObject({ code: 2, stderr: expect.stringContaining('more than one trace') })
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining("begins with 'beef'") })
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('it never came, or it was too long ago') })
  })

  it('tap shows what happens as it happens, and Ctrl-C ends it cleanly', async () => {
    const mesh = await fed()
    const tap = started(['tap', '--url', mesh.url, '--failed', '--from', 'orders'])
    const json = started(['tap', '--url', mesh.url, '--json', '--limit', '1', '--service', 'users'])
    const feeding = onceListening(() => mesh.tell('orders', attempt('users-1'), attempt('users-2', { 'error.type': 'MESH_ERR_CONNECT', 'http.request.resend_count': 1 }, { failed: true })))
    const text = await printed(tap, /\n/)
    tap.child.kill('SIGINT')
    const [ended, one] = await Promise.all([tap.finished, json.finished])
    await feeding.stop()
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(text).toMatch(/^\d\d:\d\d:\d\d\.\d{3} {2}orders {2}→ {2}users users-2 {2}GET \/users\/\{id\} .*retry 1, MESH_ERR_CONNECT {2}[\da-f]{32}\n/)
    expect(text).not.toContain(ESCAPE)
    expect(one).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(one.stdout)).toMatchObject({ kind: 'attempt', caller: 'orders', callee: 'users', instance: expect.stringMatching(/^users-/) })
  })

  it('says nothing when whoever reads has read enough', async () => {
    const mesh = await fed()
    const tap = started(['tap', '--url', mesh.url])
    const feeding = onceListening(() => mesh.tell('orders', attempt('users-1')))
    await printed(tap, /\n/)
    tap.child.stdout!.destroy()
    expect(await tap.finished).toMatchObject({ code: 0, stderr: '' })
    await feeding.stop()
  })

  it('never lets a span write to the terminal as it likes', async () => {
    const { url, tell } = await fed()
    await tell(`evil${ESCAPE}[2J`, attempt('users-1\r\nSERVICE'))
    const all = await Promise.all([['stat'], ['top'], ['explain', 'users']].map((args) => sidecarless([...args, '--url', url])))
    for (const { stdout } of all) expect(stdout).not.toMatch(/[\x1b\r]/)  
    expect(all[0]!.stdout).toContain('evil\ufffd[2J')
  })

  it('says what to do where there is nothing', async () => {
    const { url } = await fed()
    const [stat, unknown] = await Promise.all([sidecarless(['stat', '--url', url]), sidecarless(['explain', 'users', '--url', url])])
    expect(stat).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining(`OTEL_EXPORTER_OTLP_ENDPOINT=${url}`) })
    expect(unknown.stderr).toContain("No instance of 'users' is registered")
  })
})
