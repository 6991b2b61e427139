import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Browser } from 'playwright-core'
import { describeWithChromium, launchChromium, openPage } from '../../support/chromium.js'
import { fakeApi } from './fake-api.js'
import { shopWorld } from './world.js'

// What takes longer stands in test/faults/page.test.ts.
describeWithChromium('the page, in Chromium', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchChromium()
  })
  afterAll(() => browser?.close())

  it('draws every view under its policy, and the console is told of nothing', async () => {
    const world = shopWorld(Date.now())
    const { url } = await fakeApi(world)
    const { page, complaints } = await openPage(browser, url)
    await page.getByRole('link', { name: /^orders calls users: 161\/s identity verified success 99.75.%/ }).waitFor()
    await page.getByRole('link', { name: /^users 3.instances/ }).click()
    await page.locator('tr[data-instance=users-3]').getByText('slow').waitFor()
    await page.goto(`${url}/#/trace/${world.traces[4]!.traceId}`)
    await page.getByRole('option', { name: /retry 1/ }).waitFor()
    await page.goto(`${url}/#/denials`)
    await page.getByText('no rule of the policy allows edge').waitFor()
    expect(complaints).toEqual([])
  })
})
