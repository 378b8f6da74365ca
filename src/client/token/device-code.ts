/** The device grant (RFC 8628): the person signs in on any device that has a browser. */
import type { Io } from '../../base/io.ts'
import { toPrintable } from '../../base/terminal/printable.ts'
import type { NetOptions, PersonalAccess } from '../options.ts'
import { openProvider } from './openid-provider.ts'
import type { PersonalToken } from './provider.ts'

export interface DeviceSource extends PersonalAccess {
  readonly grant: 'device-code'
}

/**
 * Shows an address and a code (and on a terminal a QR code), then waits until somebody signed in with it.
 *
 * @throws {StsCliError} `ERR_TIMEOUT` when nobody did in time; `ERR_REFUSED` when they refused or the code expired.
 */
export async function obtainDeviceToken(
  source: DeviceSource,
  { net, io }: { net: NetOptions; io: Io },
): Promise<PersonalToken> {
  const provider = await openProvider(source, net, { isDiscovered: true })
  const login = await provider.beginDeviceLogin()
  const address = toPrintable(login.verificationUri, 500)
  const code = toPrintable(login.userCode, 100)
  io.writeStderr(`to sign in, open ${address} on any device and enter the code ${code}\n`)
  const complete = login.verificationUriComplete
  if (complete !== undefined) {
    io.writeStderr(`or open ${toPrintable(complete, 1000)}\n`)
    if (io.isTty.stderr) {
      const { renderQrCode } = await import('../../base/terminal/qr-code.ts')
      io.writeStderr(renderQrCode(complete))
    }
  }
  const waitMs = Math.min(source.waitMs, login.expiresInSeconds * 1000)
  return login.finish(AbortSignal.timeout(waitMs))
}
