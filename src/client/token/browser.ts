/** The browser login: authorization code with PKCE, and a loopback address for the answer (RFC 8252, RFC 7636). */
import { StsCliError } from '../../base/errors.ts'
import type { Io } from '../../base/io.ts'
import type { NetOptions, PersonalAccess } from '../options.ts'
import { openCallbackServer, type CallbackServer } from './callback-server.ts'
import { openProvider } from './openid-provider.ts'
import type { Authorization, PersonalToken } from './provider.ts'

export interface BrowserSource extends PersonalAccess {
  readonly grant: 'browser'
  /** The URL to which the provider sends the browser back: http on a loopback address; port 0 takes a free one (RFC 8252 §7.3). */
  readonly redirectUri: string
  /** False for `--no-browser`: the address is only printed. */
  readonly isBrowserOpened: boolean
}

/**
 * Sends the person's browser to the provider and waits for the answer. The provider's address is always printed; the browser is opened on a
 * one-time address of this machine, because other users can read command lines.
 *
 * @throws {StsCliError} `ERR_TIMEOUT` when nobody signed in, `ERR_REFUSED` with the provider's own words, `ERR_PROTOCOL` for an answer with
 *   another state, or a token that is not for this login.
 */
export async function obtainBrowserToken(
  source: BrowserSource,
  { net, io }: { net: NetOptions; io: Io },
): Promise<PersonalToken> {
  const provider = await openProvider(source, net, { isDiscovered: true })
  const server = await openCallbackServer(new URL(source.redirectUri))
  try {
    const authorization = await provider.beginAuthorization(server.redirectUri)
    invite(authorization.url, { server, io, isBrowserOpened: source.isBrowserOpened })
    const answer = await server.waitForAnswer(source.waitMs)
    return await finishLogin(authorization, answer, server)
  } finally {
    await server.finish({ title: 'This login is over', text: 'Look at the terminal.' })
  }
}

interface InviteOptions {
  readonly server: CallbackServer
  readonly io: Io
  readonly isBrowserOpened: boolean
}

function invite(url: URL, { server, io, isBrowserOpened }: InviteOptions): void {
  if (!isBrowserOpened || io.openBrowser === undefined) {
    io.writeStderr(
      `to sign in, open this address in a browser on this machine:\n\n  ${url.href}\n\n`,
    )
    return
  }
  io.writeStderr(`a browser opens for you to sign in; if it does not, open:\n\n  ${url.href}\n\n`)
  io.openBrowser(server.forwardOnce(url))
}

async function finishLogin(
  authorization: Authorization,
  answer: URL,
  server: CallbackServer,
): Promise<PersonalToken> {
  try {
    const token = await authorization.finish(answer)
    await server.finish({ title: 'Signed in', text: 'You may close this window.' })
    return token
  } catch (error) {
    const why = error instanceof StsCliError ? error : undefined
    const words = [why?.message, why?.serverCode, why?.serverMessage].filter(
      (text) => text !== undefined && text !== '',
    )
    await server.finish({
      title: 'Not signed in',
      text: `${words.join(': ')}. The terminal says more; you may close this window.`,
    })
    throw error
  }
}
