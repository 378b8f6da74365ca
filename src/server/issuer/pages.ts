/** Renders the provider's HTML pages. They have no scripts and load nothing, and every text from outside is escaped. */
import { escapeHtml } from '../../base/escape-html.ts'

export interface Page {
  readonly title: string
  /** HTML, in which every text from outside is escaped. */
  readonly content: string
  /** The CSP sources, besides this origin, that forms may lead to. Browsers also apply `form-action` to redirects after a form. */
  readonly formTargets?: readonly string[] | undefined
}

export interface RenderedPage {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const style = `body{font:1rem/1.5 system-ui,sans-serif;max-width:22rem;margin:15vh auto;padding:0 1rem;color-scheme:light dark}
label{display:block;margin:.8rem 0}input:not([type=hidden]),button{font:inherit;width:100%;padding:.5rem;box-sizing:border-box}
.wrong{color:#c22}`

/** Returns a page and its headers, which only allow it to post its own form. */
export function renderPage({ title, content, formTargets = [] }: Page): RenderedPage {
  const policy = [
    "default-src 'none'",
    "style-src 'nonce-sts-cli'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    ["form-action 'self'", ...formTargets].join(' '),
  ]
  return {
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy.join('; '),
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    },
    body: `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title>
<style nonce="sts-cli">${style}</style></head>
<body><h1>${escapeHtml(title)}</h1>
${content}
</body>
</html>
`,
  }
}

export interface LoginForm {
  /** The client that began the login. */
  readonly clientId: string
  /** The name of the last attempt. */
  readonly name?: string | undefined
  /** The reason why the last attempt failed. */
  readonly problem?: string | undefined
  readonly formTargets: readonly string[]
}

/** Returns the login page. Its form is posted to the page's own address. */
export function renderLoginPage({ clientId, name, problem, formTargets }: LoginForm): RenderedPage {
  const wrong =
    problem === undefined ? '' : `<p class="wrong" role="alert">${escapeHtml(problem)}</p>\n`
  return renderPage({
    title: 'Sign in',
    formTargets,
    content: `<p>to go on to <b>${escapeHtml(clientId)}</b></p>
${wrong}<form method="post">
<label>Name <input name="username" value="${escapeHtml(name ?? '')}" autocomplete="username" autocapitalize="none" maxlength="256" required></label>
<label>Password <input name="password" type="password" autocomplete="current-password" maxlength="1024" required></label>
<button type="submit">Sign in</button>
</form>`,
  })
}
