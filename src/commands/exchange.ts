import { StsCliError } from '../base/errors.ts'
import type { Io } from '../base/io.ts'
import type { TokenSource } from '../client/options.ts'
import { obtainCredentials } from '../client/flow/obtain-credentials.ts'
import {
  isTokenExchanged,
  readCacheOptions,
  readExchangeOptions,
  readNetOptions,
} from './flow/obtain-options.ts'
import { withServeDefaults } from './flow/with-serve-defaults.ts'
import type { ParsedArgv } from './options/parse-argv.ts'
import { checkOutput, renderCredentials, writeDocument } from './flow/print-credentials.ts'
import { checkSecret, createSettings } from './options/settings.ts'
import { readGivenToken } from './flow/given-token.ts'

/** `exchange [TOKEN|-]`: only the STS call; nothing is remembered. */
export async function runExchange(parsed: ParsedArgv, io: Io): Promise<number> {
  const settings = withServeDefaults(parsed, io)
  checkOutput(settings, io)
  const exchange = await readExchangeOptions(settings, io)
  const net = readNetOptions(settings, io)
  const source = isTokenExchanged(exchange) ? await readOperandToken(parsed, io) : undefined
  if (source === undefined && parsed.operands.length > 0)
    throw new StsCliError('ERR_USAGE', `--action ${exchange.action} takes no token`)
  const cache = { ...readCacheOptions(settings, io), directory: undefined }
  const credentials = await obtainCredentials({ source, exchange, net, cache }, io)
  writeDocument(await renderCredentials(credentials, settings, io), settings, io)
  return 0
}

async function readOperandToken(parsed: ParsedArgv, io: Io): Promise<TokenSource> {
  const [operand, ...more] = parsed.operands
  if (more.length > 0) throw new StsCliError('ERR_USAGE', 'exchange takes one token')
  if (operand !== undefined) {
    const text = operand === '-' ? (await io.readStdin(256 * 1024)).trim() : operand
    return { grant: 'token', token: checkSecret(text, 'token') }
  }
  const source = await readGivenToken(createSettings(parsed, io), io)
  if (source !== undefined) return source
  throw new StsCliError('ERR_USAGE', 'no token is given', {
    hint: 'sts-cli token | sts-cli exchange -',
  })
}
