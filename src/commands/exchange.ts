import { StsCliError } from '../base/errors.ts'
import type { Io } from '../base/io.ts'
import type { TokenSource } from '../client/token/obtain-token.ts'
import { obtainCredentials } from '../client/flow/obtain-credentials.ts'
import {
  isTokenExchanged,
  readCacheOptions,
  readExchangeOptions,
  readNetOptions,
} from './flow/obtain-options.ts'
import { withServeDefaults } from './flow/with-serve-defaults.ts'
import { checkOutput, renderCredentials, writeDocument } from './flow/print-credentials.ts'
import { checkSecret, type Settings } from './options/settings.ts'
import { readGivenToken } from './flow/given-token.ts'

/** `exchange [TOKEN|-]`: exchanges a token for credentials, and caches nothing. */
export async function runExchange(own: Settings, io: Io): Promise<number> {
  const settings = withServeDefaults(own, io)
  checkOutput(settings, io)
  const exchange = await readExchangeOptions(settings, io)
  const net = readNetOptions(settings, io)
  const source = isTokenExchanged(exchange) ? await readOperandToken(own, io) : undefined
  if (source === undefined && own.operands.length > 0)
    throw new StsCliError('token-unexpected', `--action ${exchange.action} takes no token`)
  const cache = { ...readCacheOptions(settings, io), directory: undefined }
  const credentials = await obtainCredentials({ source, exchange, net, cache }, io)
  writeDocument(await renderCredentials(credentials, settings, io), settings, io)
  return 0
}

async function readOperandToken(settings: Settings, io: Io): Promise<TokenSource> {
  const [operand, ...more] = settings.operands
  if (more.length > 0) throw new StsCliError('operands-invalid', 'exchange takes one token')
  if (operand !== undefined) {
    const text = operand === '-' ? (await io.readStdin(256 * 1024)).trim() : operand
    return { grant: 'token', token: checkSecret(text, 'token') }
  }
  const source = await readGivenToken(settings, io)
  if (source !== undefined) return source
  throw new StsCliError('token-missing', 'no token is given', {
    hint: 'sts-cli token | sts-cli exchange -',
  })
}
