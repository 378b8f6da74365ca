/** The pages of the login. They have no scripts; every text from outside is escaped, and no other page can frame them. */
import { escapeHtml } from '../../base/escape-html.ts'
import type { HttpReply } from '../http/http-message.ts'
import { loginPagesPath } from '../http/aws-login-request.ts'
import { renderPage, type Page } from '../issuer/pages.ts'
import type { GrantedRole } from '../sts/list-granted-roles.ts'

/** Where the forms of the pages lead. */
export const continuePath = `${loginPagesPath}continue`

/** Returns a page as a reply. */
export function showPage(page: Page, status = 200): HttpReply {
  const { headers, body } = renderPage(page)
  return { status, headers, body }
}

export interface RoleChoice {
  /** Who signed in. */
  readonly name: string
  readonly roles: readonly GrantedRole[]
  /** The sealed login, which the form brings back. */
  readonly login: string
  /** Where the program listens that gets the code. */
  readonly redirectUri: string
}

/** Returns the page on which a person chooses one of several roles. */
export function showRoleChoice({ name, roles, login, redirectUri }: RoleChoice): HttpReply {
  const buttons = roles.map(
    ({ arn, name: role }) =>
      `<p><button name="role" value="${escapeHtml(arn)}">${escapeHtml(role)}</button></p>`,
  )
  return showPage({
    title: 'Choose a role',
    formTargets: [toFormTarget(redirectUri)],
    content: `<p>You are signed in as <b>${escapeHtml(name)}</b>. A program of this computer gets the rights of the role that you choose.</p>
${openForm(login)}
${buttons.join('\n')}
</form>`,
  })
}

/** Returns the page on which a person lets a device in. */
export function showDeviceQuestion(name: string, userCode: string, login: string): HttpReply {
  return showPage({
    title: 'Connect a device',
    content: `<p>You are signed in as <b>${escapeHtml(name)}</b>. A device shows the code <b>${escapeHtml(userCode)}</b>. Go on only if your own terminal shows it too: whoever shows it gets your rights.</p>
${openForm(login)}
<p><button name="answer" value="yes">It does</button></p>
<p><button name="answer" value="no">It does not</button></p>
</form>`,
  })
}

/** Returns the page that asks for a device's code. */
export function showCodeQuestion(): HttpReply {
  return showPage({
    title: 'Connect a device',
    content: `<form method="get"><label>Enter the code that the terminal shows. <input name="user_code" maxlength="16" autocapitalize="characters" autocomplete="off" required></label>
<button type="submit">Continue</button></form>`,
  })
}

/** Returns the page of `aws login --remote`: the person copies the text into the other computer's terminal, which expects standard base64. */
export function showRemoteCode(state: string, code: string): HttpReply {
  const text = Buffer.from(new URLSearchParams({ state, code }).toString()).toString('base64')
  return showPage({
    title: 'Signed in',
    content: `<p>Copy this text into the terminal of the other computer, and nowhere else: whoever has it gets your rights.</p>
<p><code>${escapeHtml(text)}</code></p>`,
  })
}

/** Returns the page that says why a login fails. @param back Where the waiting program learns of it. */
export function showRefusal(status: number, why: string, back?: string): HttpReply {
  const link =
    back === undefined
      ? ''
      : `\n<p><a href="${escapeHtml(back)}">Tell the program that waits</a></p>`
  return showPage(
    { title: 'You are not signed in', content: `<p>${escapeHtml(why)}</p>${link}` },
    status,
  )
}

function openForm(login: string): string {
  return `<form method="post" action="${continuePath}"><input type="hidden" name="login" value="${escapeHtml(login)}">`
}

/** Browsers also apply `form-action` to the redirect after a form. CSP has no IPv6 addresses (CSP Level 3 §2.3.1). */
function toFormTarget(address: string): string {
  const { origin, hostname, protocol } = new URL(address)
  return hostname.startsWith('[') ? protocol : origin
}
