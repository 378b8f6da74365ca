/** A web application in Chromium, on a port of its own: it signs in, exchanges its token, and uses S3 with AWS's SDK, nothing between. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer, type StartedServer } from '../../src/server/start-server.ts'
import { startChromium, type Chromium } from './chromium.ts'

let chromium: Chromium
let server: StartedServer
let page: { url: string; stop: () => void }

beforeAll(async () => {
  server = await startServer({
    buckets: ['photos'],
    users: [{ name: 'ann', password: 'right', policy: 'readwrite' }],
  })
  page = await servePage({ issuer: server.tokenEndpoint, sts: server.url })
  chromium = await startChromium({ ignoreHTTPSErrors: true })
})
afterAll(async () => {
  await chromium?.stop()
  page?.stop()
  await server?.stop()
})

/** Serves the application at every path of a free port. */
async function servePage(settings: object): Promise<typeof page> {
  const script = await bundle(path.join(import.meta.dirname, 'browser-page.mjs'))
  const html = `<!doctype html><meta charset="utf-8"><title>Photos</title><body>
<script>globalThis.settings = ${JSON.stringify(settings)}</script><script type="module" src="/page.js"></script>`
  const pages = createServer((request, response) => {
    const isScript = request.url === '/page.js'
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
    response.end(isScript ? script : html)
  })
  await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve))
  const { port } = pages.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/`, stop: () => void pages.close() }
}

async function bundle(input: string): Promise<string> {
  const build = await rolldown({ input, platform: 'browser', logLevel: 'silent' })
  const { output } = await build.generate({ format: 'es', codeSplitting: false })
  await build.close()
  return output[0].code
}

describe('a web application of another origin', () => {
  it('a person signs in on a page, and the page uses S3 with credentials of its own', async () => {
    const tab = await chromium.openPage()
    await tab.goto(page.url)
    await tab.waitForSelector('input[name=username]')
    await tab.fill('input[name=username]', 'ann')
    await tab.fill('input[name=password]', 'right')
    await tab.click('button[type=submit]')
    expect(await tab.textContent('#result')).toBe(
      'done: discovery, token, credentials, objects, presigned, parts, rules',
    )
  })
})
