import { StsCliError } from '../base/errors.ts'
import type { Io } from '../base/io.ts'
import { obtainToken } from '../client/token/obtain-token.ts'
import { readNetOptions } from './flow/obtain-options.ts'
import { withServeDefaults } from './flow/with-serve-defaults.ts'
import { writeDocument } from './flow/print-credentials.ts'
import { checkNotTogether, type Settings } from './options/settings.ts'
import { readTokenSource } from './flow/token-source.ts'

/** `token`: prints the identity provider's access token without exchanging it; with `--json` the whole answer. */
export async function runToken(own: Settings, io: Io): Promise<number> {
  const settings = withServeDefaults(own, io)
  checkNotTogether(settings, 'json', 'header')
  const net = readNetOptions(settings, io)
  const source = await readTokenSource(settings, io)
  if (source.grant === 'token' && settings.getExplicit('grant') === undefined)
    throw new StsCliError('token-unexpected', 'a token is at hand already: there is nothing to get')
  const { token, answer } = await obtainToken(source, { net, io })
  const text = settings.has('json')
    ? JSON.stringify(answer, undefined, 2)
    : settings.has('header')
      ? `Authorization: Bearer ${token}`
      : token
  writeDocument({ text: `${text}\n` }, settings, io)
  return 0
}
