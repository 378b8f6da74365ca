/** The upstream S3: requests are signed with the gateway's own keys, for the region of the bucket. */
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { errorCode } from '../../../base/error-code.ts'
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
import { createBucketRegionCache, type BucketRegionCache } from './upstream-regions.ts'
import type { AddressingStyle } from './upstream-names.ts'
import { signForUpstream, type UpstreamRequest } from './upstream-request.ts'

/** Time limits of the upstream, and how much of an answer is buffered. */
const upstreamLimits = {
  connectTimeoutMs: 5000,
  /** Limit for the answer to a health check. */
  probeTimeoutMs: 5000,
  /** Limit for the headers of an answer to a request without a body. */
  readTimeoutMs: 60_000,
  /** Limit for other requests: a copy of 5 GiB, or joining ten thousand parts, may take minutes before the answer begins. */
  headTimeoutMs: 300_000,
  idleTimeoutMs: 60_000,
  maxConnections: 256,
  maxWholeBytes: 256 * 1024,
}

export interface UpstreamOptions extends GatewayObjects {
  readonly credentials: Credentials
  readonly log: Log
  readonly nowMs: () => number
  /** Shorter limits for tests. */
  readonly limits?: Partial<typeof upstreamLimits>
}

export interface Upstream {
  /** Addressing style, which limits the names of buckets. */
  readonly style: AddressingStyle
  /**
   * @returns A successful answer: 2xx or 304.
   * @throws {AwsError} The upstream's error; `ServiceUnavailable` if there was no answer, or the gateway's own keys were refused.
   *   An error that the request's body throws is rethrown unchanged.
   */
  send(request: UpstreamRequest): Promise<PooledAnswer>
  /** Returns the default region of new buckets. */
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
 * Connects to an S3 and sends one request, so that a wrong address or wrong keys are reported at startup.
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
  const regions = createBucketRegionCache(url, options.region)
  const health = createHealth({ log, nowMs, upstream: url.origin })
  const connection = { pool, regions, health, options }
  try {
    await probe(connection)
  } catch (error) {
    throw toStartError(error, url)
  }
  return {
    style: options.style,
    send: (request) => sendFollowed(request, connection),
    homeRegion: () => regions.home(),
    checkReady: () => health.check(() => probe(connection)),
  }
}

/** Sends a request, and sends it again if the answer names another region. */
async function sendFollowed(
  request: UpstreamRequest,
  connection: Connection,
): Promise<PooledAnswer> {
  const { regions, health } = connection
  const isStream = request.body instanceof Readable
  // A stream cannot be sent twice, so the bucket's region is looked up first.
  if (isStream && regions.isUnknown(request.bucket)) await findRegion(request, connection)
  const asked = regions.of(request.bucket)
  const answer = await sendOnce(request, asked, connection).catch((error: unknown) => {
    return isCut(request, error)
      ? explainAbortedUpload(request, error, connection)
      : Promise.reject(error)
  })
  if (isSuccess(answer)) {
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
  if (isSuccess(answer)) return answer
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

/** Returns a bucket's region. AWS names it in each answer to HEAD, including errors. */
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
      // The upstream closed an idle connection while the request was written. An idempotent request is sent again.
      if (!isBroken(error) || !isRepeatable(request)) throw error
      return pool.send(message)
    })
    if (answer.body instanceof Readable) logBrokenBody(answer.body, request, options.log)
    return answer
  } catch (error) {
    const failure = toUnavailable(error)
    if (failure !== error && !isCut(request, failure)) health.noteFailure(failure)
    throw failure
  }
}

/**
 * Explains an upload that the upstream aborted. A server that refuses an upload closes the connection after its answer, which is lost
 * while the client is still writing. So this asks for the most likely reason.
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
  if (!isSuccess(answer)) throw (await readRefusal(answer)).error
  const message = 'the upstream S3 broke the upload off'
  throw new AwsError('ServiceUnavailable', message, { cause: cut })
}

function isCut({ body }: UpstreamRequest, failure: unknown): boolean {
  return body instanceof Readable && failure instanceof AwsError && isBroken(failure.cause)
}

/** Logs an answer that breaks off. Its status was already sent to the client, so only the log can report it. */
function logBrokenBody(body: Readable, { requestId }: UpstreamRequest, log: Log): void {
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

function isSuccess({ status }: PooledAnswer): boolean {
  return status < 300 || status === 304
}

function isBroken(error: unknown): boolean {
  const code = errorCode(error)
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE'
}

function isRepeatable({ method, headers, body }: UpstreamRequest): boolean {
  if (body instanceof Readable || method === 'POST') return false
  return !Object.keys(headers).some((name) => name.startsWith('if-')) || method === 'GET'
}

/**
 * Asks for a bucket that does not exist. The answer shows whether the keys are valid, and needs no permission (MinIO's gateway did the
 * same).
 */
async function probe(connection: Connection): Promise<void> {
  const bucket = `${probePrefix}${randomBytes(6).toString('hex')}`
  const request = { ...bodyless, method: 'GET', bucket, requestId: 'probe' }
  try {
    const answer = await sendFollowed({ ...request, query: [['location', '']] }, connection)
    // An unread answer would keep its connection open.
    const text = await readText(answer, maxProbeBytes)
    if (text?.includes('<ListAllMyBucketsResult')) throw bucketInHostIgnored(connection.options.url)
  } catch (error) {
    const isAnswer = error instanceof AwsError && (error.status === 404 || error.status === 403)
    if (!isAnswer) throw error
  }
}

/**
 * Returns the error for an upstream that ignores the bucket in the host. It would take the bucket from the path, from what was authorized as
 * a key. It shows by answering a request about a bucket with the list of buckets.
 */
function bucketInHostIgnored({ origin }: URL): StsCliError {
  return new StsCliError(
    'gateway-style-unsupported',
    `${origin} does not read buckets from host names`,
    {
      stage: 'serve',
    },
  )
}

function toStartError(error: unknown, url: URL): unknown {
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
