import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { run, type Finished } from './control-plane/outside.js'
import { helpOf } from '../src/cli/help.js'
import { commands } from '../src/cli/commands.js'
import { exchange, running } from './control-plane/running.js'
import { start, type Program } from './support/processes.js'

const CLI = ['dist/cli.js']
const widest = (text: string): number => Math.max(...text.split('\n').map((line) => line.length))

const WITHOUT_SECRET = { MESH_CLIENT_SECRET: '' }

const sidecarless = (...args: string[]): Promise<Finished> => run(process.execPath, [...CLI, ...args], WITHOUT_SECRET)

interface Started {
  readonly child: ChildProcess
  readonly printed: string
  readonly url: string
}

/** `sidecarless dev` on a free port, and what it printed once it listened. */
async function dev(args: readonly string[] = [], env: NodeJS.ProcessEnv = WITHOUT_SECRET): Promise<Started> {
  const child = spawn(process.execPath, [...CLI, 'dev', '--port', '0', '--no-otlp', ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let printed = ''
  for await (const chunk of child.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false }) as AsyncIterable<string>) {
    printed += chunk
    if (printed.includes('Ctrl+C')) break
  }
  return { child, printed, url: /http:\/\/127\.0\.0\.1:\d+/.exec(printed)![0] }
}

describe('sidecarless', () => {
  it('teaches with --help and tells its version', async () => {
    const [help, version] = await Promise.all([sidecarless('--help'), sidecarless('--version')])
    expect(help).toMatchObject({ code: 0, stderr: '' })
    for (const { name, summary } of commands) expect(help.stdout).toMatch(new RegExp(`sidecarless ${name} +${summary}`))
    expect(help.stdout).toContain('one machine')
    expect(widest(help.stdout)).toBeLessThanOrEqual(120)
    const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
    expect(version).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: '' })
  })

  it.each(commands)('teaches with $name --help: every option, an example, and what it ends with', async ({ load }) => {
    const command = await load()
    const help = helpOf(command)
    for (const option of Object.keys(command.options)) expect(help).toContain(`--${option}`)
    expect(command.examples.length).toBeGreaterThan(1)
    expect(help).toContain('Ends with 0 when')
    expect(widest(help)).toBeLessThanOrEqual(120)
  })

  it('shows the help of a command wherever it is asked for', async () => {
    const [asked, among, helped] = await Promise.all([sidecarless('dev', '--help'), sidecarless('stat', 'users', '-h'), sidecarless('help', 'dev')])
    for (const said of ['sidecarless dev', '--port', '--host', '--secret', '--state', '--no-otlp', 'MESH_CLIENT_SECRET', 'one machine']) expect(asked.stdout.replaceAll('\n', ' ')).toContain(said)
    expect(among).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('sidecarless stat <service>') })
    expect(helped).toEqual(asked)
  })

  it.each([
    [['devv'], "unknown command 'devv' (did you mean 'dev'?)"],
    [['--url', 'x', 'stat'], "the command comes first, and here is '--url'"],
    [['stat', '--window', 'soon'], '--window: expected a time from 1 to 600 seconds'],
    [['explain'], 'the name of a service is missing'],
    [['traces', 'xyz'], 'expected the id of a trace'],
    [['tap', '--ratio', '0.1'], '--ratio is for --admin'],
    [['dev', '--prot', '1'], "Unknown option '--prot'"],
    [['dev', 'now'], "dev takes no arguments, and here is 'now'"],
    [['dev', '--port', 'many'], "--port: expected a whole number from 0 to 65535, got 'many'"],
    [['dev', '--port', '65536'], 'port: expected a whole number from 0 to 65535, got 65536'],
    [['dev', '--host', '0.0.0.0'], 'host: expected a loopback address'],
    [[], 'a command is missing'],
  ])('%j ends with 2 and a hint', async (args, message) => {
    const { code, stdout, stderr } = await sidecarless(...args)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(message)
    expect(stderr).toMatch(/\nTry sidecarless (?:\w+ )?--help\n$/)
  })

  it('says in one line which port is taken and ends with 1', async () => {
    const { controlPlane } = await running()
    const { code, stdout, stderr } = await sidecarless('dev', '--no-otlp', '--port', String(controlPlane.port))
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(new RegExp(`^port ${controlPlane.port} on 127\\.0\\.0\\.1 is taken: .*\n$`))
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('dev serves, prints what to copy, and ends well on %s', async (signal) => {
    const { child, printed, url } = await dev()
    expect(printed).toContain('for this machine only')
    const [, secret] = /export MESH_CLIENT_SECRET=([\w-]+) CONSUL_HTTP_ADDR=/.exec(printed) ?? []
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const body = `grant_type=client_credentials&audience=users&client_id=orders&client_secret=${secret}`
    expect(await exchange(`${url}/oauth2/token`, { method: 'POST', headers, body })).toMatchObject({ status: 200 })
    expect(JSON.parse((await exchange(`${url}/prometheus/targets`)).body)).toEqual([])
    child.kill(signal)
    expect(await once(child, 'exit')).toEqual([0, null])
  })

  it('dev --state goes on after a restart with the secret and the keys that it had, and makes the next key on SIGUSR2', { timeout: 60_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cli-state-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const path = join(folder, 'state.json')
    const run = async (): Promise<{ program: Program; secret: string; keys: () => Promise<unknown> }> => {
      const program = start('src/cli.ts', ['dev', '--port', '0', '--no-otlp', '--state', path], WITHOUT_SECRET)
      const [, url] = await program.says(/control plane on ([^\s,]+)/)
      const [, secret] = await program.says(/MESH_CLIENT_SECRET=([\w-]+)/)
      await program.says(/Ctrl\+C/)
      return { program, secret: secret!, keys: async () => JSON.parse((await exchange(`${url}/.well-known/jwks.json`)).body) as unknown }
    }
    const first = await run()
    await first.program.says(/keys and secret are kept in .*state\.json/)
    first.program.kill('SIGUSR2')
    await first.program.says(/^signing key [\w-]{43} is published, and signs in 10 minutes$/m)
    const keys = await first.keys()
    expect(keys).toMatchObject({ keys: [{}, {}] })
    first.program.kill('SIGKILL')
    await first.program.ended

    const second = await run()
    expect(await second.keys()).toEqual(keys)
    expect(second.secret).toBe(first.secret)

    chmodSync(path, 0o644)
    const { code, stderr } = await sidecarless('dev', '--port', '0', '--no-otlp', '--state', path)
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^The state file .* \(mode 644\).*chmod 600.*\n$/)])
  })

  it('never prints a secret that it was given', async () => {
    const [byFlag, byVariable] = await Promise.all([dev(['--secret', 'hush-1']), dev([], { MESH_CLIENT_SECRET: 'hush-2' })])
    expect(byFlag.printed + byVariable.printed).not.toContain('hush')
    expect(byFlag.printed).not.toContain('MESH_CLIENT_SECRET=')
  })
})
