/** Options → running server; what was opened is closed again when anything fails. */
import { errorCode } from '../base/error-code.ts'
import { StsCliError } from '../base/errors.ts'
import { createAdminHandler } from './admin/handle-admin.ts'
import type { Overload } from './http/admission-control.ts'
import { listen, type ListenOptions } from './http/listener.ts'
import type { HttpHandler } from './http/http-message.ts'
import { allowOrigins } from './http/cors-origins.ts'
import { createRouter, isClosedToPages } from './http/router.ts'
import { addCorsHeaders, withCors, type CorsOptions } from './http/with-cors.ts'
import { createRequestAuthenticator } from './identity/request-authenticator.ts'
import type { RunningIssuer } from './issuer/start-issuer.ts'
import { keepDecisions, type KeptDecisions } from './keep-decisions.ts'
import { countRequests, createMetrics, type Metrics } from './metrics.ts'
import { createMetricsAccess } from './metrics-access.ts'
import type { Closers } from './open/closers.ts'
import { loadPolicies } from './open/load-policies.ts'
import { lockObjectsDirectory } from './open/lock-objects-directory.ts'
import { openLogin } from './open/open-login.ts'
import { openIdentitySources } from './open/open-identity-sources.ts'
import { addObserver } from './open/add-observer.ts'
import { openPolicyEngine } from './open/open-policy-engine.ts'
import { openS3Backend } from './open/open-s3-backend.ts'
import { openSessions } from './open/open-sessions.ts'
import { listRoleArns } from './open/role-arns.ts'
import { withObjectTags } from './policy/object-tags.ts'
import { checkSessionPolicy } from './policy/session-policy.ts'
import { combinePolicies } from './policy/combine-policies.ts'
import { isBucketHost } from './s3/request/address.ts'
import { createCorsLookup } from './s3/create-cors-lookup.ts'
import { createS3Handler } from './s3/handle-s3.ts'
import { startLifecycle } from './s3/lifecycle/start-lifecycle.ts'
import type { S3Backend } from './s3/request/s3-operation.ts'
import { createOverload } from './overload.ts'
import type { ServerOptions } from './options/server-options.ts'
import { createAuthorizationMessages } from './sts/authorization-messages.ts'
import { createStsHandler } from './sts/handle-sts.ts'

export interface RunningServer {
  /** Address of STS and S3. */
  readonly url: URL
  /** The embedded identity provider, where it runs. */
  readonly issuer: RunningIssuer | undefined
  /** The values that callers may send as RoleArn; empty where there are no roles. */
  readonly roleArns: readonly string[]
  /** PEM of the CA that the server made for its certificate, which clients must trust. */
  readonly certificate: string | undefined
  /** Stops accepting, waits up to 10 s for running requests, closes stores, removes temporary files. Safe to call twice. */
  stop(): Promise<void>
}

/** Time in which running requests must end. */
export const graceMs = 10_000

/**
 * Starts everything that the options name and waits until it answers.
 *
 * @throws {StsCliError} `ERR_UNAVAILABLE` for an address in use, `ERR_CONFIG` for an impossible setting or a directory that another
 *   server holds; nothing is left running.
 */
export function createServer(options: ServerOptions): Promise<RunningServer> {
  return openWhole(async (closers) => {
    await lockObjectsDirectory(options, closers)
    const issuer = await openIssuer(options, closers)
    const metrics = createMetrics(options.peers)
    const kept = keepDecisions(options)
    const handler = await buildHandler(options, { issuer, metrics, kept }, closers)
    const { tls, authority } = await openTls(options)
    const listener = await bind(handler, {
      ...options,
      ...options.address,
      tls: tls === undefined ? undefined : { ...tls, clientCa: options.clientCa },
      onAnswered: kept.onAnswered,
      overload: withCorsHeaders(
        createOverload(options, ({ reply, facts }) => {
          metrics.count(facts.operation, reply.status, 0)
        }),
        options,
      ),
    })
    closers.push(() => listener.close(graceMs))
    return {
      url: listener.url,
      issuer,
      roleArns: listRoleArns(options),
      certificate: authority,
    }
  })
}

/** Opens all parts or none: when one fails, those before it are closed again. */
export async function openWhole(
  open: (closers: Closers) => Promise<Omit<RunningServer, 'stop'>>,
): Promise<RunningServer> {
  const closers: Closers = []
  let stopping: Promise<void> | undefined
  const stop = (): Promise<void> => {
    stopping ??= closeAll(closers)
    return stopping
  }
  try {
    return { ...(await open(closers)), stop }
  } catch (error) {
    // The first error is the one to report, even if closing fails too.
    await stop().catch(() => {})
    throw error
  }
}

/** Starts the embedded identity provider, if the options have one. @throws {StsCliError} `ERR_UNAVAILABLE` for its address. */
export async function openIssuer(
  options: ServerOptions,
  closers: Closers,
): Promise<RunningIssuer | undefined> {
  if (options.identityProvider?.kind !== 'embedded') return undefined
  const { address, ...accounts } = options.identityProvider
  const { startIssuer } = await import('./issuer/start-issuer.ts')
  try {
    const issuer = await startIssuer({
      address,
      ...accounts,
      isOriginAllowed: allowOrigins(options.corsOrigins),
      nowMs: options.nowMs,
    })
    closers.push(() => issuer.stop())
    return issuer
  } catch (error) {
    throw toBindingError(error, address.port, 'idp-address')
  }
}

interface ServerParts {
  readonly issuer: RunningIssuer | undefined
  readonly metrics: Metrics
  readonly kept: KeptDecisions
}

async function buildHandler(
  options: ServerOptions,
  { issuer, metrics, kept }: ServerParts,
  closers: Closers,
): Promise<HttpHandler> {
  const { log } = options
  const policies = loadPolicies(options)
  const sessions = await openSessions(options, policies, closers)
  const authenticator = createRequestAuthenticator({ ...options, sessions })
  const engine = await openPolicyEngine(options, policies, closers)
  const identitySources = openIdentitySources(options, { issuer, policies, closers })
  const backend = await openS3Backend(options, closers)
  openLifecycle(options, { backend, metrics }, closers)
  const combined = combinePolicies(engine, backend.findBucketPolicy, policies)
  const authorizer = withObjectTags(addObserver(combined, options, policies), backend.readTags)
  const isExternal = options.policyEngine !== undefined
  const sts = {
    ...options,
    authenticator,
    authorizer,
    authorizationMessages: createAuthorizationMessages(options.root.secretAccessKey),
    sessions,
    ...identitySources,
    knownPolicies: policies,
    isPolicyClaimRequired: !isExternal,
    checkSessionPolicy,
  }
  const router = createRouter({
    sts: createStsHandler(sts),
    awsLogin: openLogin(options, { sts, issuer, closers }),
    s3: createS3Handler({ ...options, authenticator, authorizer, backend }),
    admin: createAdminHandler({
      authenticator,
      authorizer,
      sessions,
      requests: kept.openHandler({ ...backend, policies, isEngineExternal: isExternal }),
      log,
    }),
    checkReady: () => areReady([sessions, identitySources, engine, backend]),
    metrics: () => metrics.text(),
    mayReadMetrics: createMetricsAccess(options),
    isBucketHost: (host) => isBucketHost(host, options.domains),
  })
  const findRules = createCorsLookup(backend, options.domains)
  return countRequests(withCors(router, { ...describePages(options), findRules }), metrics)
}

async function areReady(
  parts: readonly { checkReady?(): boolean | Promise<boolean> }[],
): Promise<boolean> {
  const answers = await Promise.all(parts.map((part) => part.checkReady?.()))
  return answers.every((isReady) => isReady !== false)
}

/** Starts the passes of the lifecycle, in one process of the server: whoever has its lock. The next process gets it when that one ends. */
function openLifecycle(
  { nowMs, log, peers }: ServerOptions,
  { backend, metrics }: { backend: S3Backend; metrics: Metrics },
  closers: Closers,
): void {
  const { runLifecycle } = backend
  if (runLifecycle === undefined) return
  const onRemoved = (kind: string): void => metrics.countRemoval(kind)
  closers.push(
    startLifecycle({
      pass: (signal) => runLifecycle({ signal, onRemoved }),
      nowMs,
      log,
      elect: peers && ((work) => peers.locks.hold(lifecycleLock, work)),
    }),
  )
}

/** No bucket has this name. */
const lifecycleLock = '.lifecycle'

/** Returns which pages may read answers, and which answers none may. */
function describePages({
  corsOrigins,
  domains,
}: ServerOptions): Pick<CorsOptions, 'isOriginAllowed' | 'isClosed'> {
  const isOfBucket = (host: string): boolean => isBucketHost(host, domains)
  return {
    isOriginAllowed: allowOrigins(corsOrigins),
    isClosed: (request) => isClosedToPages(request, isOfBucket),
  }
}

/** Returns the overload rules whose refusals pages can read, so that they see a 503 and try again. */
function withCorsHeaders(overload: Overload, options: ServerOptions): Overload {
  const pages = describePages(options)
  const toRefusal: Overload['toRefusal'] = (request, why) =>
    addCorsHeaders(overload.toRefusal(request, why), request, pages)
  return { ...overload, toRefusal }
}

/** Returns the server's certificate and key, and for those of `--tls`, which are made here, the CA that clients must trust (PEM). */
export async function openTls({
  tls,
  nowMs,
}: ServerOptions): Promise<{ tls: TlsPair | undefined; authority?: string }> {
  if (tls !== 'self-made') return { tls }
  const { makeCertificate } = await import('./http/self-signed-certificate.ts')
  const { authority, ...pair } = await makeCertificate(nowMs())
  return { tls: pair, authority }
}

type TlsPair = Exclude<ServerOptions['tls'], 'self-made' | undefined>

async function bind(handler: HttpHandler, options: ListenOptions): ReturnType<typeof listen> {
  try {
    return await listen(handler, options)
  } catch (error) {
    throw toBindingError(error, options.port, 'address')
  }
}

function toBindingError(error: unknown, port: number, option: string): unknown {
  const code = errorCode(error)
  if (code === 'EADDRINUSE') {
    return new StsCliError('port-in-use', `port ${port} is in use`, {
      stage: 'serve',
      details: { option },
      cause: error,
    })
  }
  if (code === 'EACCES' || code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return new StsCliError('address-unavailable', `the address cannot be bound (${code})`, {
      stage: 'serve',
      details: { option },
      cause: error,
    })
  }
  return error
}

/** Closes the last opened first, one after the other, as each may need those opened before it. All are closed even when one fails. */
async function closeAll(closers: Closers): Promise<void> {
  const failures: unknown[] = []
  for (const close of closers.toReversed())
    await close().catch((error: unknown) => void failures.push(error))
  if (failures.length > 0) throw failures[0]
}
