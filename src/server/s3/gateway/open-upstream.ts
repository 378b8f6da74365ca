/** The other S3: requests signed with the gateway's own keys, for the region the bucket lies in. */
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { StsCliError } from '../../../base/errors.ts'
import type { Log } from '../../../base/log.ts'
import { createStreamPool, type PooledAnswer, type StreamPool } from '../../../base/stream-pool.ts'
import { AwsError } from '../../../protocol/aws-error.ts'
import type { Credentials } from '../../../protocol/credentials.ts'
import { emptySha256, encodeRfc3986 } from '../../../protocol/sigv4/canonical-request.ts'
import { signRequest } from '../../../protocol/sigv4/sign.ts'
import type { GatewayObjects } from '../../server-options.ts'
import { explainSilence, readRefusal } from './upstream-errors.ts'
import { createHealth, type Health } from './upstream-health.ts'
import { createRegionBook, type RegionBook } from './upstream-regions.ts'

export interface UpstreamOptions extends GatewayObjects {
  readonly credentials: Credentials
  readonly log: Log
  readonly nowMs: () => number
}

export interface UpstreamRequest {
  readonly method: string
  /** Empty for requests about the service. */
  readonly bucket: string
  /** Decoded. */
  readonly key: string
  readonly query: readonly (readonly [string, string])[]
  /** Lower-case names; the signature's own come on top. */
  readonly headers: Readonly<Record<string, string>>
  /** SHA-256 of the body in hex, or one of S3's words. */
  readonly payloadHash: string
  readonly body?: Uint8Array | Readable | undefined
  /** Ours, for the log. */
  readonly requestId: string
}

export interface Upstream {
  /**
   * @returns An answer that went well: 2xx or 304.
   * @throws {AwsError} The upstream's refusal; `ServiceUnavailable` where there was no answer, or the gateway's own keys were refused.
   *   What the request's body threw comes as it is.
   */
  send(request: UpstreamRequest): Promise<PooledAnswer>
  /** The region that buckets are made in when nobody says where. */
  homeRegion(): string
  checkReady(): Promise<boolean>
}

const poolLimits = {
  connectTimeoutMs: 5000,
  // A copy of 5 GiB, or ten thousand parts that become one object, may take minutes before the first byte of the answer.
  headTimeoutMs: 300_000,
  idleTimeoutMs: 60_000,
  maxConnections: 256,
  maxWholeBytes: 256 * 1024,
}

interface Connection {
  readonly pool: StreamPool
  readonly regions: RegionBook
  readonly health: Health
  readonly options: UpstreamOptions
}

/**
 * Connects to an S3 and asks it one question, so that a wrong address or wrong keys are known at start.
 *
 * @throws {StsCliError} `ERR_UNAVAILABLE` for no answer, `ERR_REFUSED` for refused keys.
 */
export async function openUpstream(
  options: UpstreamOptions,
  closers: (() => Promise<void>)[],
): Promise<Upstream> {
  const { url, log, nowMs } = options
  const pool = createStreamPool({ ...poolLimits, ca: options.ca })
  closers.push(() => pool.close())
  const regions = createRegionBook(url, options.region)
  const health = createHealth({ log, nowMs, upstream: url.origin })
  const connection = { pool, regions, health, options }
  try {
    await probe(connection)
  } catch (error) {
    throw explainStart(error, url)
  }
  return {
    send: (request) => sendFollowed(request, connection),
    homeRegion: () => regions.home(),
    checkReady: () => health.check(() => probe(connection)),
  }
}

/** Sends a request, once more where the answer names another region. */
async function sendFollowed(
  request: UpstreamRequest,
  connection: Connection,
): Promise<PooledAnswer> {
  const { regions, health } = connection
  const isStream = request.body instanceof Readable
  // A stream cannot be sent twice: where it must go is asked first.
  if (isStream && regions.isUnknown(request.bucket)) await findRegion(request, connection)
  const asked = regions.of(request.bucket)
  const answer = await sendOnce(request, asked, connection)
  if (isFine(answer)) {
    health.noteAnswer()
    return answer
  }
  const { error, isOwnFault, region } = await readRefusal(answer)
  if (isOwnFault && !isStream) {
    const other = regions.learn(request.bucket, asked, region)
    if (other !== undefined) return sendLast(request, other, connection)
  }
  noteRefusal(health, { error, isOwnFault })
  throw error
}

async function sendLast(
  request: UpstreamRequest,
  region: string,
  connection: Connection,
): Promise<PooledAnswer> {
  const answer = await sendOnce(request, region, connection)
  if (isFine(answer)) return answer
  const refusal = await readRefusal(answer)
  noteRefusal(connection.health, refusal)
  throw refusal.error
}

function noteRefusal(
  health: Health,
  { error, isOwnFault }: { error: AwsError; isOwnFault: boolean },
): void {
  if (isOwnFault) health.noteFailure(error)
  else health.noteAnswer()
}

/** AWS names a bucket's region in whatever it answers to HEAD, refusals too. */
async function findRegion(
  { bucket, requestId }: UpstreamRequest,
  connection: Connection,
): Promise<void> {
  const { regions } = connection
  const asked = regions.of(bucket)
  const head = { ...bodyless, method: 'HEAD', bucket, requestId }
  const answer = await sendOnce(head, asked, connection)
  regions.learn(bucket, asked, answer.headers.get('x-amz-bucket-region'))
}

const bodyless = { key: '', query: [], headers: {}, payloadHash: emptySha256 }

async function sendOnce(
  request: UpstreamRequest,
  region: string,
  connection: Connection,
): Promise<PooledAnswer> {
  const { pool, health, options } = connection
  const message = { ...sign(request, region, connection), body: request.body }
  try {
    const answer = await pool.send(message).catch((error: unknown) => {
      // The other side closed an idle connection as we wrote to it. What changes nothing more may be said again.
      if (!isBroken(error) || !isRepeatable(request)) throw error
      return pool.send(message)
    })
    if (answer.body instanceof Readable) watch(answer.body, request, options.log)
    return answer
  } catch (error) {
    const failure = explainSilence(error)
    if (failure !== error) health.noteFailure(failure)
    throw failure
  }
}

/** An answer that breaks off has lost its head already: the log alone can name it. */
function watch(body: Readable, { requestId }: UpstreamRequest, log: Log): void {
  body.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ERR_STREAM_PREMATURE_CLOSE' || error.code === 'ABORT_ERR') return
    log.warn({ requestId, reason: error.code ?? error.message }, 'the upstream S3 broke off')
  })
}

function sign(
  request: UpstreamRequest,
  region: string,
  { regions, options }: Connection,
): { origin: string; method: string; path: string; headers: Record<string, string> } {
  const { method, bucket, headers, payloadHash } = request
  const endpoint = regions.hostOf(region)
  const isNamedByHost = options.style === 'virtual-host' && bucket !== ''
  const host = isNamedByHost ? `${bucket}.${endpoint}` : endpoint
  const key = request.key.split('/').map(encodeRfc3986).join('/')
  const isShort = isNamedByHost || bucket === ''
  const pathname = isShort ? `/${key}` : `/${bucket}${key === '' ? '' : `/${key}`}`
  const pairs = request.query.map((pair) => pair.map(encodeRfc3986).join('='))
  const search = pairs.length === 0 ? '' : `?${pairs.join('&')}`
  const unsigned = { method, url: { host, pathname, search }, headers, payloadHash }
  const signOptions = { region, service: 's3', nowMs: options.nowMs() } as const
  return {
    origin: `${options.url.protocol}//${host}`,
    method,
    path: pathname + search,
    headers: signRequest(unsigned, options.credentials, signOptions),
  }
}

function isFine({ status }: PooledAnswer): boolean {
  return status < 300 || status === 304
}

function isBroken(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE'
}

function isRepeatable({ method, headers, body }: UpstreamRequest): boolean {
  if (body instanceof Readable || method === 'POST') return false
  return !Object.keys(headers).some((name) => name.startsWith('if-')) || method === 'GET'
}

/**
 * Asks for a bucket that is not there: what is said to that tells whether the keys are good, and needs no right to anything
 * (as MinIO's gateway did).
 */
async function probe(connection: Connection): Promise<void> {
  const bucket = `probe-bucket-sign-${randomBytes(6).toString('hex')}`
  const request = { ...bodyless, method: 'GET', bucket, requestId: 'probe' }
  try {
    await sendFollowed({ ...request, query: [['location', '']] }, connection)
  } catch (error) {
    const isAnswer = error instanceof AwsError && (error.status === 404 || error.status === 403)
    if (!isAnswer) throw error
  }
}

function explainStart(error: unknown, url: URL): unknown {
  if (!(error instanceof AwsError)) return error
  const isRefused = error.cause === undefined
  return new StsCliError(
    isRefused ? 'ERR_REFUSED' : 'ERR_UNAVAILABLE',
    `${url.origin}: ${error.message}`,
    {
      stage: 'serve',
      hint: isRefused
        ? 'MINIO_ROOT_USER and MINIO_ROOT_PASSWORD must be keys of the upstream'
        : 'the upstream S3 must answer when the gateway starts',
      cause: error,
    },
  )
}
