import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { describeWithChromium, launchChromium, openPage } from '../support/chromium.js'
import { start } from '../support/processes.js'

const WITHIN = 0.02

/** What stands in a row of the table below the graph. */
async function edgeOf(page: Page, caller: string, callee: string): Promise<{ readonly calls: number; readonly attempts: number }> {
  const row = page.locator(`tr[data-caller=${caller}][data-callee=${callee}]`)
  const field = async (name: string): Promise<number> => Number((await row.locator(`[data-field=${name}]`).textContent())!.replaceAll(',', ''))
  return { calls: await field('calls'), attempts: await field('attempts') }
}

function expectNear(shown: number, counted: number): void {
  expect(Math.abs(shown - counted), `${shown} shown, ${counted} counted`).toBeLessThanOrEqual(Math.max(1, counted * WITHIN))
}

describeWithChromium('the page, beside the demo', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchChromium()
  })
  afterAll(() => browser?.close())

  it('shows what the load generator counted, who is slow, who was killed and who was turned away', async () => {
    const demo = start('examples/users-and-orders/run.ts', ['--port', '0', '--seconds', '12', '--stay'], { NO_COLOR: '1' })
    const [, url] = await demo.says(/control plane on (\S+)/)
    const { page, complaints } = await openPage(browser, url!)
    await page.getByText('No service has joined yet').waitFor()

    // While visitors come.
    await page.getByRole('link', { name: /^orders calls users: / }).waitFor({ timeout: 60_000 })
    await page.getByRole('link', { name: /^users 3.instances/ }).click()
    await page.locator('tr[data-instance=users-3][data-state=slow]').waitFor({ timeout: 60_000 })
    expect(await page.locator('tr[data-state=slow]').count()).toBe(1)
    expect(await page.locator('tr[data-instance=users-1]').getByText('passing').count()).toBe(1)

    // What they counted.
    const { input } = await demo.says(/Ctrl-C here ends everything/)
    const orders = Number(/every one of (\d+) orders was answered with 200/.exec(input)![1])
    expect(orders).toBeGreaterThan(100)
    await page.goto(`${url}/#/`)
    await page.getByLabel('10 min', { exact: true }).check()
    await vi.waitFor(
      async () => {
        const users = await edgeOf(page, 'orders', 'users')
        expectNear(users.calls, orders)
        expectNear(users.attempts, orders)
        expectNear((await edgeOf(page, 'edge', 'orders')).calls, orders)
      },
      { timeout: 20_000, interval: 500 },
    )

    // One of their requests.
    await page.getByRole('link', { name: 'Traces', exact: true }).click()
    await page.getByLabel('Service').selectOption('edge')
    await page.getByRole('rowheader', { name: /edge mesh\.call orders/ }).first().getByRole('link').click()
    await page.getByRole('option').filter({ hasText: /orders → users-\d/ }).first().click()
    await page.getByRole('complementary', { name: 'Chosen span' }).getByText('mesh.endpoint.id').waitFor()

    // The intruder, three ways, and the edge, which users does not let in.
    await page.getByRole('link', { name: 'Denials' }).click()
    const groups = page.locator('table.groups tbody tr')
    await groups.first().waitFor()
    const told = await groups.evaluateAll((rows) => rows.map((row) => (row as unknown as { innerText: string }).innerText.replace(/\s+/g, ' ')))
    expect(told.filter((text) => text.startsWith('unknown → users')).map((text) => Number(text.split(' ')[3])).reduce((a, b) => a + b, 0)).toBe(60)
    expect(told.filter((text) => text.startsWith('edge → users 1 forbidden'))).toHaveLength(1)

    // A killed one.
    await page.goto(`${url}/#/service/users`)
    await page.getByLabel('10 s', { exact: true }).check()
    const killed = page.locator('tr[data-instance=users-2]')
    await killed.waitFor()
    process.kill(Number(/users-2\s+\S+\s+pid (\d+)/.exec(input)![1]), 'SIGKILL')
    await killed.and(page.locator('[data-state=critical]')).waitFor({ timeout: 60_000 })
    await killed.waitFor({ state: 'detached', timeout: 150_000 })
    expect(await page.locator('table.instances tr[data-instance]').count()).toBe(2)
    await page.goto(`${url}/#/`)
    await page.getByRole('link', { name: /^users 2.instances/ }).waitFor()
    expect(complaints).toEqual([])
    demo.kill('SIGINT')
    await demo.ended
  })
})
