/** The provider's pages: one frame, no script, nothing fetched, every word from outside escaped. */
import { escapeHtml } from '../../base/escape-html.ts'

export interface Page {
  readonly title: string
  /** HTML; what came from outside has been escaped. */
  readonly content: string
  /** Where forms may lead, besides here: the browser holds redirects after a form to it too. */
  readonly formTargets?: readonly string[] | undefined
}

export interface RenderedPage {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const style = `body{font:1rem/1.5 system-ui,sans-serif;max-width:22rem;margin:15vh auto;padding:0 1rem;color-scheme:light dark}
label{display:block;margin:.8rem 0}input:not([type=hidden]),button{font:inherit;width:100%;padding:.5rem;box-sizing:border-box}
.wrong{color:#c22}`

/** Renders a page with the headers under which it may do nothing but post its own form. */
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
  /** The client that asks for the person. */
  readonly clientId: string
  /** What was typed the last time, and why it did not do. */
  readonly name?: string | undefined
  readonly problem?: string | undefined
  readonly formTargets: readonly string[]
}

/** The login page; its form goes to the address that it came from. */
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
