/** Debian's headless Chromium, for the steps of a person at an identity provider. */
import { createRequire } from 'node:module'
import { cachedPath } from './stack.ts'

/** The part of playwright-core that the tests use; the installer stores the package outside the tree. */
export interface Page {
  goto(url: string): Promise<unknown>
  fill(selector: string, text: string): Promise<void>
  click(selector: string): Promise<void>
  /** Waits until the page shows a text. */
  waitForSelector(selector: string): Promise<unknown>
  /** Waits until there is such an element, and returns its text. */
  textContent(selector: string): Promise<string | null>
}

interface Browser {
  newContext(options: { ignoreHTTPSErrors: boolean }): Promise<{ newPage(): Promise<Page> }>
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
  /** Opens a page without any login. */
  openPage(): Promise<Page>
  stop(): Promise<void>
}

/**
 * Starts Chromium with its own profile. It requests only the URLs of the pages.
 *
 * @param options `ignoreHTTPSErrors`: takes the certificate that the embedded provider made, as a person does who clicks the warning away.
 */
export async function startChromium({ ignoreHTTPSErrors = false } = {}): Promise<Chromium> {
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
    openPage: async () => (await browser.newContext({ ignoreHTTPSErrors })).newPage(),
    stop: () => browser.close(),
  }
}
