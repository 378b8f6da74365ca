/** The page on which the browser ends. It fetches nothing and has no script. */
import type { OutgoingHttpHeaders } from 'node:http'
import { escapeHtml } from '../../base/escape-html.ts'

export interface CallbackPage {
  readonly title: string
  readonly text: string
}

const style =
  'body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem;color-scheme:light dark}'

/** Renders the page, with headers that allow nothing else. */
export function renderCallbackPage({ title, text }: CallbackPage): {
  headers: OutgoingHttpHeaders
  body: string
} {
  const body = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title>
<style nonce="sts-cli">${style}</style></head>
<body><h1>${escapeHtml(title)}</h1><p>${escapeHtml(text)}</p></body>
</html>
`
  return {
    body,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      // A fixed nonce is enough: all text in the page is escaped, and no script is allowed.
      'content-security-policy':
        "default-src 'none'; style-src 'nonce-sts-cli'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      connection: 'close',
    },
  }
}
