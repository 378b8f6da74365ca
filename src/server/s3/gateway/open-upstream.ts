/** The other S3: requests signed with the gateway's own keys, for the region the bucket lies in. */
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { StsCliError } from '../../../base/errors.ts'
import type { Log } from '../../../base/log.ts'
import {
  createStreamPool,
  type PooledAnswer,
  type StreamPool,
} from '../../../base/http/stream-pool.ts'
import { AwsError } from '../../../protocol/aws-error.ts'
import type { Credentials } from '../../../protocol/credentials.ts'
import { emptySha256 } from '../../../protocol/sigv4/canonical-request.ts'
import { noSuchBucket } from '../request/errors.ts'
import type { GatewayObjects } from './gateway-objects.ts'
import { toUnavailable, readRefusal, readText } from './upstream-errors.ts'
import { createHealth, type Health } from './upstream-health.ts'
import { createRegionBook, type BucketRegionCache } from './upstream-regions.ts'
import type { AddressingStyle } from './upstream-names.ts'
import { signForUpstream, type UpstreamRequest } from './upstream-request.ts'

/** How long an upstream may take, and how much is held of it. */
const upstreamLimits = {
  connectTimeoutMs: 5000,
  /** For an answer to a question about health. */
  probeTimeoutMs: 5000,
  /** For the head of an answer to a request without a body. */
  readTimeoutMs: 60_000,
  /** A copy of 5 GiB, or ten thousand parts that become one object, may take minutes before the first byte of the answer. */
  headTimeoutMs: 300_000,
  idleTimeoutMs: 60_000,
  maxConnections: 256,
  maxWholeBytes: 256 * 1024,
}

export interface UpstreamOptions extends GatewayObjects {
  readonly credentials: Credentials
  readonly log: Log
  readonly nowMs: () => number
  /** Where a test has less patience. */
  readonly limits?: Partial<typeof upstreamLimits>
}

export interface Upstream {
  /** How buckets are named to it, which limits their names. */
  readonly style: AddressingStyle
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

const maxProbeBytes = 64 * 1024
const probePrefix = 'probe-bucket-sign-'

interface Connection {
  readonly pool: StreamPool
  readonly regions: BucketRegionCache
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
  const pool = createStreamPool({ ...upstreamLimits, ...options.limits, ca: options.ca })
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
    style: options.style,
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
  const answer = await sendOnce(request, asked, connection).catch((error: unknown) => {
    return isCut(request, error)
      ? explainAbortedUpload(request, error, connection)
      : Promise.reject(error)
  })
  if (isFine(answer)) {
    health.noteAnswer()
    return answer
  }
  const { error, isOwnFault, region } = await readRefusal(answer)
  if (isOwnFault && !isStream) {
    const other = regions.set(request.bucket, asked, region)
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
  regions.set(bucket, asked, answer.headers.get('x-amz-bucket-region'))
}

const bodyless = { key: '', query: [], headers: {}, payloadHash: emptySha256 }

async function sendOnce(
  request: UpstreamRequest,
  region: string,
  connection: Connection,
): Promise<PooledAnswer> {
  const { pool, health, options } = connection
  const { url, credentials, style, nowMs } = options
  const endpoint = { protocol: url.protocol, host: connection.regions.hostOf(region) }
  const signing = { endpoint, region, style, credentials, nowMs: nowMs() }
  const message = { ...signForUpstream(request, signing), headTimeoutMs: limitOf(request, options) }
  try {
    const answer = await pool.send(message).catch((error: unknown) => {
      // The other side closed an idle connection as we wrote to it. What changes nothing more may be said again.
      if (!isBroken(error) || !isRepeatable(request)) throw error
      return pool.send(message)
    })
    if (answer.body instanceof Readable) watch(answer.body, request, options.log)
    return answer
  } catch (error) {
    const failure = toUnavailable(error)
    if (failure !== error && !isCut(request, failure)) health.noteFailure(failure)
    throw failure
  }
}

/**
 * An upload that the other side would not take to its end. Whoever refuses an upload closes the connection behind the refusal, which
 * is lost when we are still writing: so the likeliest reason is asked for.
 */
async function explainAbortedUpload(
  { bucket, requestId }: UpstreamRequest,
  cut: unknown,
  connection: Connection,
): Promise<never> {
  const head = { ...bodyless, method: 'HEAD', bucket, requestId }
  const answer = await sendOnce(head, connection.regions.of(bucket), connection)
  connection.health.noteAnswer()
  if (answer.status === 404) throw noSuchBucket(bucket)
  if (!isFine(answer)) throw (await readRefusal(answer)).error
  const message = 'the upstream S3 broke the upload off'
  throw new AwsError('ServiceUnavailable', message, { cause: cut })
}

function isCut({ body }: UpstreamRequest, failure: unknown): boolean {
  return body instanceof Readable && failure instanceof AwsError && isBroken(failure.cause)
}

/** An answer that breaks off has lost its head already: the log alone can name it. */
function watch(body: Readable, { requestId }: UpstreamRequest, log: Log): void {
  body.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ERR_STREAM_PREMATURE_CLOSE' || error.code === 'ABORT_ERR') return
    log.warn({ requestId, reason: error.code ?? error.message }, 'the upstream S3 broke off')
  })
}

function limitOf({ method, bucket, key }: UpstreamRequest, { limits }: UpstreamOptions): number {
  const { probeTimeoutMs, readTimeoutMs, headTimeoutMs } = { ...upstreamLimits, ...limits }
  if (key === '' && bucket.startsWith(probePrefix)) return probeTimeoutMs
  return method === 'PUT' || method === 'POST' ? headTimeoutMs : readTimeoutMs
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
  const bucket = `${probePrefix}${randomBytes(6).toString('hex')}`
  const request = { ...bodyless, method: 'GET', bucket, requestId: 'probe' }
  try {
    const answer = await sendFollowed({ ...request, query: [['location', '']] }, connection)
    // an answer that nobody reads keeps its connection
    const text = await readText(answer, maxProbeBytes)
    if (text?.includes('<ListAllMyBucketsResult')) throw hostNotRead(connection.options.url)
  } catch (error) {
    const isAnswer = error instanceof AwsError && (error.status === 404 || error.status === 403)
    if (!isAnswer) throw error
  }
}

/**
 * An upstream that does not take the bucket from the host takes it from the path: from what was judged as a key. It answers a question about
 * a bucket with the list of them.
 */
function hostNotRead({ origin }: URL): StsCliError {
  return new StsCliError(
    'gateway-style-unsupported',
    `${origin} does not read buckets from host names`,
    {
      stage: 'serve',
    },
  )
}

function explainStart(error: unknown, url: URL): unknown {
  if (!(error instanceof AwsError)) return error
  const isRefused = error.cause === undefined
  return new StsCliError(
    isRefused ? 'upstream-refused' : 'upstream-unavailable',
    `${url.origin}: ${error.message}`,
    {
      stage: 'serve',
      cause: error,
    },
  )
}
