/** Options → running server. The only place that chooses backends; what it opened it closes again when anything fails. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { StsCliError } from '../base/errors.ts'
import { createJsonClient } from '../base/undici.ts'
import { listen, type ListenOptions } from './http/listener.ts'
import type { HttpHandler } from './http/http-message.ts'
import { createRouter } from './http/router.ts'
import { createRequestAuthenticator } from './identity/request-authenticator.ts'
import { createTokenVerifier, type TokenVerifier } from './identity/token-verifier.ts'
import type { RunningIssuer } from './issuer/start-issuer.ts'
import { countRequests, createMetrics } from './metrics.ts'
import { cannedPolicies } from './policy/canned.ts'
import type { Authorizer } from './policy/authorizer.ts'
import { createIamAuthorizer } from './policy/iam-authorizer.ts'
import { createOpaAuthorizer } from './policy/opa-authorizer.ts'
import { parsePolicyDocument, type PolicyDocument } from './policy/policy-document.ts'
import { parseSessionPolicy } from './policy/session-policy.ts'
import { withSessionPolicy } from './policy/with-session-policy.ts'
import { openFilesystemStore } from './s3/filesystem/open-filesystem-store.ts'
import { createS3Handler } from './s3/handle-s3.ts'
import { isBucketName, reservedBuckets } from './s3/names.ts'
import type { ServerOptions } from './server-options.ts'
import { createDerivedSessions } from './sessions/derived-sessions.ts'
import { createStsHandler } from './sts/handle-sts.ts'

export interface RunningServer {
  /** Address of STS and S3. */
  readonly url: URL
  /** The embedded provider, where it runs. */
  readonly issuer: RunningIssuer | undefined
  /** PEM that clients of a self-made certificate must trust. */
  readonly certificate: string | undefined
  /** Stops accepting, finishes what runs (10 s), closes stores, removes what was temporary. Safe to call twice. */
  stop(): Promise<void>
}

const graceMs = 10_000

/**
 * Starts everything the options name and waits until it answers.
 *
 * @throws {StsCliError} `ERR_UNAVAILABLE` for an address that is taken, `ERR_CONFIG` for a setting that cannot be; nothing is left running.
 */
export async function createServer(options: ServerOptions): Promise<RunningServer> {
  const closers: (() => Promise<void>)[] = []
  let stopping: Promise<void> | undefined
  const stop = (): Promise<void> => {
    stopping ??= closeAll(closers)
    return stopping
  }
  try {
    const issuer = await openIssuer(options, closers)
    const handler = await buildHandler(options, issuer, closers)
    const tls = options.tls === 'self-made' ? await makeTls(options) : options.tls
    const listener = await bind(handler, { ...options, ...options.address, tls })
    closers.push(() => listener.close(graceMs))
    return {
      url: listener.url,
      issuer,
      certificate: options.tls === 'self-made' ? tls?.cert : undefined,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function openIssuer(
  options: ServerOptions,
  closers: (() => Promise<void>)[],
): Promise<RunningIssuer | undefined> {
  if (options.identityProvider?.kind !== 'embedded') return undefined
  const { address, clients } = options.identityProvider
  const { startIssuer } = await import('./issuer/start-issuer.ts')
  try {
    const issuer = await startIssuer({ address, clients, nowMs: options.nowMs })
    closers.push(() => issuer.stop())
    return issuer
  } catch (error) {
    throw explainBinding(error, address.port, '--idp-address')
  }
}

async function buildHandler(
  options: ServerOptions,
  issuer: RunningIssuer | undefined,
  closers: (() => Promise<void>)[],
): Promise<HttpHandler> {
  const { nowMs, log, region } = options
  const policies = loadPolicies(options)
  const sessions = createDerivedSessions({ rootSecret: options.root.secretAccessKey, nowMs })
  closers.push(() => sessions.close())
  const authenticator = createRequestAuthenticator({ root: options.root, sessions, region, nowMs })
  const engine = openPolicyEngine(options, policies, closers)
  const tokenVerifier = openTokenVerifier(options, issuer, closers)
  const objects = await openFilesystemStore(await openDirectory(options, closers), { nowMs })
  for (const bucket of options.buckets) {
    checkBucketName(bucket)
    if (!(await objects.hasBucket(bucket))) await objects.createBucket(bucket)
  }
  const metrics = createMetrics()
  const router = createRouter({
    sts: createStsHandler({
      ...options,
      authenticator,
      sessions,
      tokenVerifier,
      knownPolicies: policies,
      isPolicyClaimRequired: options.policyEngine === undefined,
      checkSessionPolicy: parseSessionPolicy,
    }),
    s3: createS3Handler({
      authenticator,
      authorizer: withSessionPolicy(engine),
      objects,
      region,
      domains: options.domains,
      log,
    }),
    checkReady: async () => {
      const parts = [sessions.checkReady(), tokenVerifier?.checkReady(), engine.checkReady?.()]
      return (await Promise.all(parts)).every((isReady) => isReady !== false)
    },
    metrics: () => metrics.text(),
  })
  return countRequests(router, metrics)
}

function checkBucketName(name: string): void {
  if (isBucketName(name) && !reservedBuckets.has(name)) return
  throw new StsCliError('ERR_CONFIG', `the bucket name ${JSON.stringify(name)} is not allowed`, {
    stage: 'serve',
    hint: '3 to 63 of a-z, 0-9, dot and hyphen, beginning and ending with a letter or digit',
  })
}

function loadPolicies(options: ServerOptions): Map<string, PolicyDocument> {
  const policies = new Map(cannedPolicies)
  for (const [name, text] of options.policies) {
    try {
      policies.set(name, parsePolicyDocument(text, `policy ${name}`))
    } catch (cause) {
      throw new StsCliError('ERR_CONFIG', cause instanceof Error ? cause.message : String(cause), {
        stage: 'serve',
        cause,
      })
    }
  }
  return policies
}

/** OPA's answers are a word, its time limit is what a request may wait for a decision. */
const decisionLimits = { timeoutMs: 2000, maxBytes: 64 * 1024 }

function openPolicyEngine(
  { policyEngine, log }: ServerOptions,
  policies: Map<string, PolicyDocument>,
  closers: (() => Promise<void>)[],
): Authorizer & { checkReady?(): Promise<boolean> } {
  if (policyEngine === undefined) return createIamAuthorizer({ policies })
  const { url, authorization, ca } = policyEngine
  const { postJson, close } = createJsonClient({ ...decisionLimits, authorization, ca })
  closers.push(close)
  return createOpaAuthorizer({ url, postJson, log })
}

function openTokenVerifier(
  options: ServerOptions,
  issuer: RunningIssuer | undefined,
  closers: (() => Promise<void>)[],
): TokenVerifier | undefined {
  const { identityProvider, nowMs, log } = options
  if (issuer !== undefined) {
    // The keys are in this process: no round trip, and no moment at start when tokens cannot be verified.
    return createTokenVerifier({
      jwksUrl: issuer.jwksUrl.href,
      fetchJson: async () => issuer.jwks,
      nowMs,
      log,
    })
  }
  if (identityProvider?.kind !== 'external') return undefined
  const { jwksUrl, configUrl, clientId, ca } = identityProvider
  const { fetchJson, close } = createJsonClient({ timeoutMs: 5000, maxBytes: 1024 * 1024, ca })
  closers.push(close)
  return createTokenVerifier({ jwksUrl, configUrl, clientId, fetchJson, nowMs, log })
}

async function openDirectory(
  options: ServerOptions,
  closers: (() => Promise<void>)[],
): Promise<string> {
  if (options.directory !== undefined) return options.directory
  const temporary = await mkdtemp(path.join(tmpdir(), 'sts-cli-serve-'))
  closers.push(() => rm(temporary, { recursive: true, force: true }))
  return temporary
}

async function makeTls(options: ServerOptions): Promise<{ cert: string; key: string }> {
  const { makeCertificate } = await import('./issuer/certificate.ts')
  return makeCertificate(options.nowMs())
}

async function bind(handler: HttpHandler, options: ListenOptions): ReturnType<typeof listen> {
  try {
    return await listen(handler, options)
  } catch (error) {
    throw explainBinding(error, options.port, '--address')
  }
}

function explainBinding(error: unknown, port: number, flag: string): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE') {
    return new StsCliError('ERR_UNAVAILABLE', `port ${port} is in use`, {
      stage: 'serve',
      hint: `choose another with ${flag}, or port 0 for a free one`,
      cause: error,
    })
  }
  if (code === 'EACCES' || code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return new StsCliError(
      'ERR_UNAVAILABLE',
      `the address of ${flag} cannot be bound (${String(code)})`,
      { stage: 'serve', cause: error },
    )
  }
  return error
}

/** Last opened, first closed; one failure does not keep the others open. */
async function closeAll(closers: readonly (() => Promise<void>)[]): Promise<void> {
  const results = await Promise.allSettled(closers.toReversed().map((close) => close()))
  const failed = results.find((result) => result.status === 'rejected')
  if (failed?.status === 'rejected') throw failed.reason
}
