/** Debian's Chromium without a window, for what a person does at an identity provider. */
import { createRequire } from 'node:module'
import { cachedPath } from './stack.ts'

/** What is used of playwright-core, which the installer keeps outside the tree. */
export interface Page {
  goto(url: string): Promise<unknown>
  fill(selector: string, text: string): Promise<void>
  click(selector: string): Promise<void>
  /** Waits until a text stands on the page. */
  waitForSelector(selector: string): Promise<unknown>
}

interface Browser {
  newContext(): Promise<{ newPage(): Promise<Page> }>
  close(): Promise<void>
}

interface Playwright {
  readonly chromium: {
    launch(options: {
      executablePath: string
      args: readonly string[]
      timeout: number
    }): Promise<Browser>
  }
}

export interface Chromium {
  /** A page of a person who is signed in nowhere. */
  openPage(): Promise<Page>
  stop(): Promise<void>
}

/** Starts it with a profile of its own. Nothing but the pages' own addresses is asked. */
export async function startChromium(): Promise<Chromium> {
  const folder = cachedPath('npm', 'node_modules', 'playwright-core')
  const { chromium } = createRequire(import.meta.url)(folder) as Playwright
  const args = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ]
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args,
    timeout: 120_000,
  })
  return {
    openPage: async () => (await browser.newContext()).newPage(),
    stop: () => browser.close(),
  }
}
