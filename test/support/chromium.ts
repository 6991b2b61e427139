import { existsSync } from 'node:fs'
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core'
import { describe, onTestFinished } from 'vitest'

const EXECUTABLE = '/usr/bin/chromium'

/** Tests in a real Chromium: left out where none is installed, but never in CI. */
export const describeWithChromium = describe.skipIf(!existsSync(EXECUTABLE) && process.env['CI'] === undefined)

const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: EXECUTABLE, headless: true, args: ARGS })
}

export interface Opened {
  readonly page: Page
  readonly context: BrowserContext
  /** What the console was told of errors and warnings, and what was thrown and not caught. */
  readonly complaints: readonly string[]
}

/** A page in a profile of its own that ends with the test. */
export async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options })
  onTestFinished(() => context.close())
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => void (['error', 'warning'].includes(message.type()) && complaints.push(message.text())))
  page.on('pageerror', (error) => complaints.push(String(error)))
  await page.goto(url)
  return { page, context, complaints }
}
