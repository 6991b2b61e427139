import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeWithChromium, launchChromium, openPage } from '../support/chromium.js'
import { fakeApi } from '../control-plane/dashboard/fake-api.js'
import { shopWorld, type World } from '../control-plane/dashboard/world.js'
import { eventually } from '../support/eventually.js'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What axe finds that hinders somebody; the page's policy lets nothing in, so that axe comes by the debugger. */
async function hindrances(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe)
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[] }> } }
    const { violations } = await axe.run()
    return violations
      .filter(({ impact }) => ['serious', 'critical', 'moderate'].includes(impact))
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html.slice(0, 160)} ${failureSummary}`).join(' | ')}`)
  })
}

function traceOf(world: World): string {
  return world.traces[4]!.traceId
}

/** Each view by its address, and by a text that is there when it is drawn. */
const VIEWS: readonly (readonly [name: string, hash: (world: World) => string, shows: string])[] = [
  ['graph', () => '#/', 'Who calls whom'],
  ['service', () => '#/service/users', 'slow · '],
  ['traces', () => '#/traces', 'hedged'],
  ['trace', (world) => `#/trace/${traceOf(world)}`, 'Why this instance'],
  ['denials', () => '#/denials', 'no rule of the policy allows edge'],
]

describeWithChromium('the page, in Chromium', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchChromium()
  })
  afterAll(() => browser?.close())

  it.each(VIEWS)('%s: axe finds nothing, in light and in dark, and the console is told of nothing', async (name, hash, shows) => {
    const world = shopWorld(Date.now())
    const { url } = await fakeApi(world)
    const { page, complaints } = await openPage(browser, `${url}/${hash(world)}`, { reducedMotion: 'reduce' })
    if (name === 'trace') await page.getByRole('option').nth(4).click()
    if (name === 'service') await page.getByRole('button', { name: /users-3/ }).click()
    await page.getByText(shows).first().waitFor()
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      expect(await hindrances(page), colorScheme).toEqual([])
    }
    expect(complaints).toEqual([])
  })

  it.each(VIEWS)('%s: a screen 320 pixels wide is not scrolled sideways', async (name, hash, shows) => {
    const world = shopWorld(Date.now())
    const { url } = await fakeApi(world)
    const { page } = await openPage(browser, `${url}/${hash(world)}`, { viewport: { width: 320, height: 640 } })
    if (name === 'trace') await page.getByRole('option').nth(4).click()
    await page.getByText(shows).first().waitFor()
    expect(await page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth')).toBe(0)
  })

  it('grows with the screen: on 3840 pixels letters are larger than on 1440, and the graph fills its frame', async () => {
    const { url } = await fakeApi(shopWorld(Date.now()))
    const { page } = await openPage(browser, url)
    const sizeAt = async (width: number, height: number): Promise<number> => {
      await page.setViewportSize({ width, height })
      return page.evaluate('parseFloat(getComputedStyle(document.documentElement).fontSize)')
    }
    await page.locator('.node').first().waitFor()
    const usual = await sizeAt(1440, 900)
    expect(await sizeAt(3840, 2160)).toBeGreaterThan(usual * 1.3)
    const part = await page.evaluate<number>("document.querySelector('.plane').clientWidth / document.querySelector('.graph').clientWidth")
    expect(part).toBeGreaterThan(0.6)
  })

  it('can be gone through with the keyboard alone, from the graph to a span and back', async () => {
    const { url } = await fakeApi(shopWorld(Date.now()))
    const { page } = await openPage(browser, url)
    await page.locator('.node').first().waitFor()
    const focused = (): Promise<{ name: string; outline: string }> =>
      page.evaluate(`(() => {
        const it = document.activeElement
        const of = it.matches('.window input') ? it.nextElementSibling : it
        return { name: it === document.body ? 'the end' : (it.getAttribute('aria-label') ?? it.textContent), outline: getComputedStyle(of).outlineStyle }
      })()`)
    const tabTo = async (name: RegExp): Promise<void> => {
      for (let presses = 0; presses < 60; presses++) {
        await page.keyboard.press('Tab')
        const now = await focused()
        if (now.name !== 'the end') expect(now.outline, `focus is seen at ${now.name}`).not.toBe('none')
        if (name.test(now.name)) return
      }
      throw new Error(`the keyboard does not reach ${String(name)}`)
    }
    await page.keyboard.press('Tab')
    expect((await focused()).name).toBe('Skip to content')
    await tabTo(/^users3\sinstances: 161\/ssuccess 100\s%/)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'users' }).waitFor()
    await eventually(async () => expect(await page.evaluate('document.activeElement.tagName')).toBe('H1'))

    await tabTo(/^users-3/)
    await page.keyboard.press('Enter')
    await page.getByText('one more costs').waitFor()
    await page.keyboard.press('Space')
    expect(await page.getByText('one more costs').count()).toBe(0)

    await page.goto(`${url}/#/traces`)
    await page.locator('tbody a').first().waitFor()
    await tabTo(/^edge mesh\.call/)
    await page.keyboard.press('Enter')
    await page.getByRole('option').first().waitFor()
    await tabTo(/^edgemesh\.call orders/)
    for (let i = 0; i < 5; i++) await page.keyboard.press('ArrowDown')
    expect((await focused()).name).toMatch(/^orders → users-2GET \/users\/\{id\}retry 129/)
    await page.getByRole('complementary', { name: 'Chosen span' }).getByText('http.request.resend_count').waitFor()
    await page.keyboard.press('End')
    expect((await focused()).name).toMatch(/^usersGET/)
    await page.goBack()
    await page.getByRole('heading', { level: 1, name: 'Traces' }).waitFor()
  })

  it('shows an attempt that failed, its retry and its hedge for what they are', async () => {
    const world = shopWorld(Date.now())
    const { url } = await fakeApi(world)
    const { page } = await openPage(browser, `${url}/#/trace/${traceOf(world)}`)
    await page.getByRole('option').first().waitFor()
    const kinds = await page.getByRole('option').evaluateAll((rows) => rows.map((row) => (row as unknown as { dataset: { attempt?: string; failed?: string } }).dataset))
    expect(kinds.map(({ attempt, failed }) => [attempt, failed].filter(Boolean).join(' '))).toEqual(['', 'first', '', '', 'first true', 'retry', '', 'hedge', ''])
    expect(await page.locator('.span .tag').allTextContents()).toEqual(['retry 1', 'hedge'])
  })

  it('shows what others wrote as text, whatever it is', async () => {
    const evil = `<img src=x onerror="document.title='owned'">"'><script>document.title='owned'</script>`
    const world = shopWorld(Date.now())
    const [trace] = world.traces
    Object.assign(trace!, { name: evil, service: evil, services: [evil] })
    world.spans[trace!.traceId] = world.spans[trace!.traceId]!.map((span) => ({ ...span, name: evil, service: evil, statusMessage: evil, failed: true, attributes: { [evil]: evil, 'http.route': evil } }))
    world.services = [...world.services, { ...world.services[1]!, service: evil }]
    world.edges = [...world.edges, { ...world.edges[0]!, callee: evil }]
    world.instances = [...world.instances, { ...world.instances[0]!, service: evil, id: evil, address: evil, zone: evil }]
    world.denials = [{ ...world.denials[0]!, reason: evil, path: evil, caller: evil, code: evil, service: evil }]
    const { url } = await fakeApi(world)
    const { page, complaints } = await openPage(browser, url)
    const hashes = ['#/', `#/service/${encodeURIComponent(evil)}`, '#/traces', `#/trace/${trace!.traceId}`, '#/denials']
    for (const hash of hashes) {
      await page.goto(`${url}/${hash}`)
      await page.locator('main').getByText("document.title='owned'").first().waitFor({ state: 'attached' })
      expect(await page.locator('#page img, #page script').count(), hash).toBe(0)
      expect(await page.title()).toMatch(/sidecarless$/)
    }
    expect(complaints).toEqual([])
  })

  it('says what to do while there is no service, and shows the first one by itself', async () => {
    const api = await fakeApi()
    const { page, complaints } = await openPage(browser, api.url)
    await page.getByText('No service has joined yet').waitFor()
    expect(await page.getByText(`issuer: '${api.url}'`).count()).toBe(1)
    expect(await page.getByRole('button', { name: /^Copy: / }).count()).toBe(3)
    expect(await hindrances(page)).toEqual([])
    api.world = shopWorld(Date.now())
    await page.getByRole('link', { name: /^orders.*2.instances/ }).waitFor()
    expect(complaints).toEqual([])
  })

  it('copies a line', async () => {
    const { url } = await fakeApi()
    const { page, context } = await openPage(browser, url)
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: url })
    await page.getByRole('button', { name: /^Copy: import/ }).click()
    await page.getByText('Copied').waitFor()
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe("import { consul, createMesh } from 'sidecarless'")
  })

  it('says that the control plane is gone, keeps what it knew, and goes on when it is back', async () => {
    const api = await fakeApi(shopWorld(Date.now()))
    const { page } = await openPage(browser, api.url)
    await page.locator('.node').first().waitFor()
    await api.stop()
    const banner = page.getByRole('status')
    await banner.getByText('The control plane does not answer').waitFor()
    expect(await banner.textContent()).toContain(`sidecarless dev --port ${new URL(api.url).port}`)
    expect(await page.locator('.node').count()).toBe(6)
    expect(await hindrances(page)).toEqual([])
    await api.start()
    await page.getByRole('button', { name: 'Live: pause' }).waitFor()
    expect(await banner.textContent()).toBe('')
  })

  it('asks a control plane that was gone at once when told to, before its own next try', async () => {
    const api = await fakeApi(shopWorld(Date.now()))
    const { page } = await openPage(browser, api.url)
    await page.clock.install()
    await page.reload()
    await page.locator('.node').first().waitFor()
    await api.stop()
    const tryNow = page.getByRole('status').getByRole('button', { name: 'Try now' })
    await tryNow.waitFor()
    await page.clock.pauseAt((await page.evaluate(() => Date.now())) + 100)
    await api.start()
    await tryNow.click()
    await page.clock.runFor(1)
    await page.getByRole('button', { name: 'Live: pause' }).waitFor()
  })

  it('asks for the time that is chosen, and for nothing while it is paused', async () => {
    const api = await fakeApi(shopWorld(Date.now()))
    const { page } = await openPage(browser, api.url)
    await page.locator('.node').first().waitFor()
    expect(api.asked).toContain('/api/edges?windowSec=60')
    await page.getByLabel('5 min', { exact: true }).check()
    await eventually(() => expect(api.asked).toContain('/api/edges?windowSec=300'))
    await page.getByRole('button', { name: 'Live: pause' }).click()
    await page.getByRole('button', { name: 'Paused: go on asking' }).waitFor()
    api.asked.length = 0
    await page.waitForTimeout(2_500)
    expect(api.asked).toEqual([])
    await page.getByRole('button', { name: 'Paused: go on asking' }).click()
    await eventually(() => expect(api.asked.length).toBeGreaterThan(0))
  })

  it('filters traces, by an address that can be kept', async () => {
    const world = shopWorld(Date.now())
    const api = await fakeApi(world)
    const { page } = await openPage(browser, `${api.url}/#/traces`)
    await page.getByLabel('Failed only').check()
    const failed = world.traces.filter((trace) => trace.failed)
    await eventually(async () => expect(await page.locator('tbody tr').count()).toBe(failed.length))
    await page.getByLabel('At least').fill('40')
    await page.getByLabel('At least').blur()
    await eventually(async () => expect(await page.locator('tbody tr').count()).toBe(failed.filter(({ durationMs }) => durationMs >= 40).length))
    expect(page.url()).toBe(`${api.url}/#/traces?failed=true&minMs=40`)
    await page.getByLabel('Service').selectOption('mail')
    await page.getByText('No trace passes the filter').waitFor()
  })

  it('tells what the control plane answers when it has no such trace', async () => {
    const { url } = await fakeApi(shopWorld(Date.now()))
    const { page } = await openPage(browser, `${url}/#/trace/0123`)
    await page.getByText('no trace 0123 is kept').waitFor()
  })

  it('remembers the theme that was chosen', async () => {
    const { url } = await fakeApi(shopWorld(Date.now()))
    const { page } = await openPage(browser, url, { colorScheme: 'light' })
    const ground = (): Promise<string> => page.evaluate('getComputedStyle(document.documentElement).backgroundColor')
    const light = await ground()
    await page.getByRole('button', { name: 'Use the dark theme' }).click()
    const dark = await ground()
    expect(dark).not.toBe(light)
    await page.reload()
    await page.getByRole('button', { name: 'Use the light theme' }).waitFor()
    expect(await ground()).toBe(dark)
  })

  it('stands still for those who ask for it', async () => {
    const { url } = await fakeApi(shopWorld(Date.now()))
    const { page } = await openPage(browser, url, { reducedMotion: 'reduce' })
    await page.locator('.node').first().waitFor()
    expect(await page.evaluate('document.getAnimations().length')).toBe(0)
  })
})
