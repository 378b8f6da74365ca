/** The parts a server is made of, each its embedded default or the real thing that the options name. What must be closed is put on `closers`. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { StsCliError } from '../base/errors.ts'
import { createJsonClient } from '../base/http/json-client.ts'
import { createTokenVerifier, type TokenVerifier } from './identity/token-verifier.ts'
import type { RunningIssuer } from './issuer/start-issuer.ts'
import { cannedPolicies } from './policy/canned.ts'
import type { Authorizer } from './policy/authorizer.ts'
import { shareRevocations } from './peers.ts'
import { createIamAuthorizer } from './policy/iam-authorizer.ts'
import { createOpaAuthorizer } from './policy/opa-authorizer.ts'
import { parsePolicyDocument, type PolicyDocument } from './policy/policy-document.ts'
import { lockDirectory } from './s3/filesystem/directory-lock.ts'
import { openFilesystemStore } from './s3/filesystem/open-filesystem-store.ts'
import { createGatewayBackend } from './s3/gateway/gateway-backend.ts'
import { openUpstream } from './s3/gateway/open-upstream.ts'
import { isBucketName, reservedBuckets } from './s3/request/names.ts'
import { createStoreBackend } from './s3/store/store-backend.ts'
import type { S3Backend } from './s3/request/s3-operation.ts'
import type { ServerOptions, SharedProvider } from './server-options.ts'
import { createDerivedSessions } from './sessions/derived-sessions.ts'
import { openEtcdSessions } from './sessions/etcd/etcd-sessions.ts'
import type { SessionStore } from './sessions/session-store.ts'

/** Run in the order from last to first when the server stops or its start fails. */
export type Closers = (() => Promise<void>)[]

/**
 * Where issued credentials are known; with etcd, policies that are kept there join `policies` for as long as they are there.
 *
 * @throws {StsCliError} what is wrong with etcd: see `openEtcdSessions`.
 */
export async function openSessions(
  options: ServerOptions,
  policies: Map<string, PolicyDocument>,
  closers: Closers,
): Promise<SessionStore> {
  const { root, nowMs, log, etcd, peers, policyClaim } = options
  const shared = { rootSecret: root.secretAccessKey, policyClaim, nowMs }
  const sessions =
    etcd === undefined
      ? createDerivedSessions(shared)
      : await openEtcdSessions({
          ...shared,
          etcd,
          log,
          rootAccessKeyId: root.accessKeyId,
          onPolicy: createPolicyFollower(options, policies),
        })
  closers.push(() => sessions.close())
  // What is revoked in etcd, every process learns from there.
  return peers === undefined || etcd !== undefined
    ? sessions
    : shareRevocations(sessions, { peers, nowMs, log })
}

/** Puts shared policies among the others. One of `--policy` wins over them, as they win over the canned ones. */
function createPolicyFollower(
  { log, policies: own }: ServerOptions,
  policies: Map<string, PolicyDocument>,
): (name: string, text: string | undefined) => void {
  return (name, text) => {
    if (own.has(name)) return
    const canned = cannedPolicies.get(name)
    try {
      if (text !== undefined) policies.set(name, parsePolicyDocument(text, `policy ${name}`))
      else if (canned !== undefined) policies.set(name, canned)
      else policies.delete(name)
    } catch (error) {
      // Whoever has this policy may do nothing by it, not what a canned one of the same name would allow.
      policies.delete(name)
      log.error({ policy: name, reason: String(error) }, 'a policy in etcd cannot be read')
    }
  }
}

/** The canned policies and the operator's own. @throws {StsCliError} `ERR_CONFIG` naming what is wrong with one. */
export function loadPolicies(options: ServerOptions): Map<string, PolicyDocument> {
  const policies = new Map(cannedPolicies)
  for (const [name, text] of options.policies) {
    try {
      policies.set(name, parsePolicyDocument(text, `policy ${name}`))
    } catch (cause) {
      throw new StsCliError(
        'server-policy-invalid',
        cause instanceof Error ? cause.message : String(cause),
        {
          stage: 'serve',
          cause,
        },
      )
    }
  }
  return policies
}

/** OPA's answers are a word, its time limit is what a request may wait for a decision. */
const decisionLimits = { timeoutMs: 2000, maxBytes: 64 * 1024 }

/** Who decides what a principal may do. @throws {StsCliError} as `runOpa`, where OPA is ours to run. */
export async function openPolicyEngine(
  { policyEngine, log, nowMs }: ServerOptions,
  policies: Map<string, PolicyDocument>,
  closers: Closers,
): Promise<Authorizer & { checkReady?(): Promise<boolean> }> {
  if (policyEngine === undefined) return createIamAuthorizer({ policies })
  if (policyEngine.kind === 'remote') {
    const { url, authorization, ca } = policyEngine
    const { postJson, close } = createJsonClient({ ...decisionLimits, authorization, ca })
    closers.push(close)
    return createOpaAuthorizer({ url, postJson, log })
  }
  const { runOpa } = await import('./policy/run-opa.ts')
  const { url, socketPath, stop } = await runOpa({ ...policyEngine, log, nowMs })
  closers.push(stop)
  const { postJson, close } = createJsonClient({ ...decisionLimits, socketPath })
  closers.push(close)
  return createOpaAuthorizer({ url, postJson, log })
}

/** The embedded provider, in this process or in the first of several. */
export function findOwnProvider(
  { identityProvider }: ServerOptions,
  issuer: RunningIssuer | undefined,
): RunningIssuer | SharedProvider | undefined {
  return issuer ?? (identityProvider?.kind === 'shared' ? identityProvider : undefined)
}

/** Whose tokens are believed; undefined where nobody's are. */
export function openTokenVerifier(
  options: ServerOptions,
  issuer: RunningIssuer | undefined,
  closers: Closers,
): TokenVerifier | undefined {
  const { identityProvider, nowMs, log } = options
  const own = findOwnProvider(options, issuer)
  if (own !== undefined) {
    // The keys are in this process: no round trip, and no moment at start when tokens cannot be verified.
    const jwksUrl = String(own.jwksUrl)
    return createTokenVerifier({ jwksUrl, fetchJson: async () => own.jwks, nowMs, log })
  }
  if (identityProvider?.kind !== 'external') return undefined
  const { jwksUrl, configUrl, clientId, ca } = identityProvider
  const { fetchJson, close } = createJsonClient({ timeoutMs: 5000, maxBytes: 1024 * 1024, ca })
  closers.push(close)
  return createTokenVerifier({ jwksUrl, configUrl, clientId, fetchJson, nowMs, log })
}

/**
 * Takes the directory that the options name, before anything else is opened: two servers in one would keep each other's
 * metadata. The first of several processes holds it for all of them; a temporary directory has no other name.
 *
 * @throws {StsCliError} As `lockDirectory`.
 */
export async function holdDirectory(
  { objects, peers }: ServerOptions,
  closers: Closers,
): Promise<void> {
  if (objects.kind !== 'directory' || objects.directory === undefined) return
  if (peers === undefined) closers.push(await lockDirectory(objects.directory))
}

/**
 * What carries S3 operations out: a directory, held by `holdDirectory`, with the buckets that were asked for, or another S3.
 *
 * @throws {StsCliError} `ERR_CONFIG` for a bucket's name; what `openUpstream` throws.
 */
export async function openS3Backend(options: ServerOptions, closers: Closers): Promise<S3Backend> {
  const { objects, nowMs, log, root, peers } = options
  if (objects.kind === 'gateway') {
    const upstream = await openUpstream({ ...objects, credentials: root, nowMs, log }, closers)
    return createGatewayBackend(upstream)
  }
  const directory = objects.directory ?? (await makeTemporaryDirectory(closers))
  const store = await openFilesystemStore(directory, {
    nowMs,
    log,
    sharedLocks: peers?.locks,
    isOnlyOne: peers === undefined,
  })
  for (const bucket of objects.buckets) {
    checkBucketName(bucket)
    if (!(await store.hasBucket(bucket))) await store.createBucket(bucket)
  }
  return createStoreBackend(store)
}

/** A directory for objects that goes when the server stops. */
export async function makeTemporaryDirectory(closers: Closers): Promise<string> {
  const temporary = await mkdtemp(path.join(tmpdir(), 'sts-cli-serve-'))
  // An upload that was cut may still put a file there as the others go.
  closers.push(() => rm(temporary, { recursive: true, force: true, maxRetries: 5 }))
  return temporary
}

function checkBucketName(name: string): void {
  if (isBucketName(name) && !reservedBuckets.has(name)) return
  throw new StsCliError(
    'bucket-name-invalid',
    `the bucket name ${JSON.stringify(name)} is not allowed`,
    {
      stage: 'serve',
    },
  )
}
