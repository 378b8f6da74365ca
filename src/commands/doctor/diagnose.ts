/** Goes through the flow as `login` does, checks each step, and suggests a fix for each that fails. */
import { StsCliError } from '../../base/errors.ts'
import { formatDuration } from '../../base/duration.ts'
import { sendHttp } from '../../base/http/http-client.ts'
import type { Io } from '../../base/io.ts'
import type { TemporaryCredentials } from '../../protocol/credentials.ts'
import { discoverProvider } from '../../client/discover-provider.ts'
import { inspectToken } from '../../client/inspect-token.ts'
import type { ObtainOptions } from '../../client/flow/obtain-credentials.ts'
import { exchangeToken } from '../../client/sts-client.ts'
import { obtainToken, type TokenSource } from '../../client/token/obtain-token.ts'
import type { ObtainedToken } from '../../client/token/token-answer.ts'
import type { Check } from './check.ts'
import { checkClocks, type ClockReading } from './check-clocks.ts'
import { checkReach } from './check-reach.ts'
import { checkS3 } from './check-s3.ts'
import { findHint } from '../hints/error-hints.ts'

/** Yields each check as it is done. Checks that depend on a failed step are yielded as skipped. */
export async function* diagnose(options: ObtainOptions, io: Io): AsyncGenerator<Check> {
  const { source, exchange, net } = options
  const readings: ClockReading[] = []
  const idpUrl = findProviderUrl(source)
  const isIdpThere =
    idpUrl === undefined || (yield* visit({ name: 'idp', url: idpUrl }, { options, io, readings }))
  const stsUrl = new URL(exchange.stsEndpoint)
  const isStsThere = yield* visit({ name: 'sts', url: stsUrl }, { options, io, readings })
  yield checkClocks(readings)
  if (!isIdpThere) {
    yield skip('token', 'the identity provider cannot be reached')
    return
  }
  if (source !== undefined && 'issuer' in source && source.issuer !== undefined) {
    const { issuer } = source
    yield await attempt('discovery', async () => {
      const { tokenEndpoint } = await discoverProvider(issuer, net)
      return `the issuer names ${tokenEndpoint.href}`
    })
  }
  const token = source === undefined ? undefined : yield* checkToken(source, options, io)
  if (!isStsThere) {
    yield skip('exchange', 'the STS cannot be reached')
    return
  }
  if (source !== undefined && token === undefined) {
    yield skip('exchange', 'there is no token to trade')
    return
  }
  const credentials = yield* checkExchange(token, options, io)
  if (credentials === undefined) yield skip('s3', 'there are no credentials to sign with')
  else yield await attempt('s3', () => checkS3(credentials, options, io.nowMs()))
}

interface Visit {
  readonly options: ObtainOptions
  readonly io: Io
  readonly readings: ClockReading[]
}

/** Connects to an address, and reads the server's time when it answers. Returns whether it can be reached. */
async function* visit(
  target: { readonly name: 'idp' | 'sts'; readonly url: URL },
  { options: { net }, io, readings }: Visit,
): AsyncGenerator<Check, boolean> {
  const check = await attempt(target.name, () => checkReach(target, net, io.nowMs()))
  yield check
  if (check.level === 'fail') return false
  const answered = await attempt(target.name, async () => {
    const call = { method: 'GET', url: target.url, headers: {} }
    const { status, headers } = await sendHttp(call, { ...net, stage: target.name, retries: 0 })
    const thereMs = Date.parse(headers['date'] ?? '')
    const party = target.url.host
    if (!Number.isNaN(thereMs)) readings.push({ party, aheadMs: thereMs - io.nowMs() })
    if (status >= 300 && status < 400) throw redirectError(target.url, headers['location'])
    return ''
  })
  if (answered.level === 'fail') yield answered
  return true
}

function redirectError(url: URL, location: string | undefined): StsCliError {
  const target =
    location !== undefined && URL.canParse(location) ? ` to ${new URL(location).host}` : ''
  return new StsCliError('endpoint-redirects', `${url.href} redirects${target}`, {
    hint: 'name the address itself: a redirect often leads to a login page, or from http to https',
  })
}

async function* checkToken(
  source: TokenSource,
  { net }: ObtainOptions,
  io: Io,
): AsyncGenerator<Check, ObtainedToken | undefined> {
  let obtained: ObtainedToken | undefined
  yield await attempt('token', async () => {
    obtained = await obtainToken(source, { net, io })
    const { expiresInSeconds } = obtained
    return expiresInSeconds === undefined
      ? 'there is a token'
      : `the provider gave a token for ${formatDuration(expiresInSeconds)}`
  })
  if (obtained === undefined) return undefined
  const { token } = obtained
  let findings: ReturnType<typeof inspectToken>['findings'] = []
  const read = await attempt('claims', async () => {
    ;({ findings } = inspectToken(token, io.nowMs()))
    return ''
  })
  if (read.level === 'fail')
    yield {
      ...read,
      fix: 'an STS needs a JWT: set the access token’s type to JWT for this client (WSO2: Application → Token Type)',
    }
  for (const { level, message } of findings)
    yield { name: 'claims', level: level === 'ok' ? 'pass' : level, message }
  return obtained
}

async function* checkExchange(
  token: ObtainedToken | undefined,
  { exchange, net }: ObtainOptions,
  io: Io,
): AsyncGenerator<Check, TemporaryCredentials | undefined> {
  let credentials: TemporaryCredentials | undefined
  yield await attempt('exchange', async () => {
    const about = { token: token?.token, expiresInSeconds: token?.expiresInSeconds }
    credentials = await exchangeToken({ ...about, nowMs: io.nowMs() }, exchange, net)
    const left = formatDuration((credentials.expiration.getTime() - io.nowMs()) / 1000)
    return `the STS gave credentials for ${left}`
  })
  return credentials
}

/** Returns the provider's address; undefined where no provider is asked. */
function findProviderUrl(source: TokenSource | undefined): URL | undefined {
  if (source === undefined) return undefined
  if ('issuer' in source && source.issuer !== undefined) return new URL(source.issuer)
  return 'tokenEndpoint' in source && source.tokenEndpoint !== undefined
    ? new URL(source.tokenEndpoint)
    : undefined
}

/** Runs one step: a `StsCliError` is a failed check; any other error is a bug and passes through. */
async function attempt(name: string, look: () => Promise<string | Check>): Promise<Check> {
  try {
    const found = await look()
    return typeof found === 'string' ? { name, level: 'pass', message: found } : found
  } catch (error) {
    if (!(error instanceof StsCliError)) throw error
    const facts = [
      error.httpStatus === undefined ? '' : `HTTP ${error.httpStatus}`,
      error.serverCode ?? '',
    ]
    const where = facts.filter((fact) => fact !== '').join(', ')
    const detail = error.serverMessage ? `: ${error.serverMessage}` : ''
    const message = `${error.message}${where === '' ? '' : ` (${where})`}${detail}`
    return { name, level: 'fail', message, fix: findHint(error) }
  }
}

function skip(name: string, message: string): Check {
  return { name, level: 'skip', message }
}
