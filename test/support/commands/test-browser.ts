/** A browser with the features that logins need: cookies, redirects, and forms. */
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { text } from 'node:stream/consumers'

export interface Page {
  readonly url: string
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly html: string
}

export interface TestBrowser {
  /** Requests the URL and follows redirects. */
  visit(url: string): Promise<Page>
  /** Submits the page’s form with these fields. */
  submit(page: Page, fields?: Readonly<Record<string, string>>): Promise<Page>
  /** Cookies by name, so that a test can steal them. */
  readonly cookies: Map<string, Cookie>
}

interface Cookie {
  readonly value: string
  readonly path: string
  readonly host: string
}

/** Opens a browser. @param ca PEM to trust. */
export function openTestBrowser(ca: string): TestBrowser {
  const cookies: TestBrowser['cookies'] = new Map()
  const send = async (url: URL, form?: string): Promise<Page> => {
    const answer = await sendOnce({ url, form, ca, cookie: cookiesFor(cookies, url) })
    for (const line of answer.setCookies) keepCookie(cookies, url, line)
    const { location } = answer.page.headers
    if (answer.page.status < 300 || answer.page.status >= 400 || typeof location !== 'string')
      return answer.page
    return send(new URL(location, url))
  }
  return {
    cookies,
    visit: (url) => send(new URL(url)),
    submit(page, fields = {}) {
      const [, action] = /<form[^>]*\saction="([^"]+)"/.exec(page.html) ?? []
      const hidden = [...page.html.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"/g)]
      const values = hidden.map(([, name = '', value = '']) => [name, value])
      const form = new URLSearchParams([...values, ...Object.entries(fields)] as [string, string][])
      return send(new URL(action ?? page.url, page.url), form.toString())
    },
  }
}

interface Sending {
  readonly url: URL
  readonly form: string | undefined
  readonly ca: string
  readonly cookie: string
}

function sendOnce({
  url,
  form,
  ca,
  cookie,
}: Sending): Promise<{ page: Page; setCookies: string[] }> {
  return new Promise((resolve, reject) => {
    const open = url.protocol === 'https:' ? requestHttps : requestHttp
    const headers = {
      ...(cookie === '' ? {} : { cookie }),
      ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
    }
    const method = form === undefined ? 'GET' : 'POST'
    const call = open(url, { method, headers, ca, agent: false }, (response) => {
      const { statusCode: status = 0, headers: received } = response
      const setCookies = received['set-cookie'] ?? []
      text(response).then(
        (html) => resolve({ page: { url: url.href, status, headers: received, html }, setCookies }),
        reject,
      )
    })
    call.on('error', reject)
    call.end(form)
  })
}

function keepCookie(cookies: TestBrowser['cookies'], { hostname }: URL, line: string): void {
  const [pair = '', ...attributes] = line.split('; ')
  const at = pair.indexOf('=')
  const name = pair.slice(0, at)
  const path = attributes.find((item) => /^path=/i.test(item))?.slice(5) ?? '/'
  if (attributes.some((item) => /^expires=Thu, 01 Jan 1970/i.test(item))) cookies.delete(name)
  else cookies.set(name, { value: pair.slice(at + 1), path, host: hostname })
}

function cookiesFor(cookies: TestBrowser['cookies'], url: URL): string {
  return [...cookies]
    .filter(([, { path, host }]) => url.hostname === host && url.pathname.startsWith(path))
    .map(([name, { value }]) => `${name}=${value}`)
    .join('; ')
}
