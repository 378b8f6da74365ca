import { shareRevocations } from '../sessions/share-revocations.ts'
import { cannedPolicies } from '../policy/canned-policies.ts'
import { parsePolicyDocument, type PolicyDocument } from '../policy/policy-document.ts'
import type { ServerOptions } from '../options/server-options.ts'
import { createDerivedSessions } from '../sessions/derived-sessions.ts'
import type { SessionStore } from '../sessions/session-store.ts'
import type { Closers } from './closers.ts'

/**
 * Opens the store of issued credentials: etcd, or none, as credentials are derived from the root secret. Policies in etcd join `policies`
 * for as long as etcd has them.
 *
 * @throws {StsCliError} As `openEtcdSessions`.
 */
export async function openSessions(
  options: ServerOptions,
  policies: Map<string, PolicyDocument>,
  closers: Closers,
): Promise<SessionStore> {
  const { root, nowMs, log, etcd, peers, policyClaim } = options
  const shared = { rootSecret: root.secretAccessKey, policyClaim, nowMs }
  const openShared = async (settings: NonNullable<typeof etcd>): Promise<SessionStore> => {
    // Loaded with etcd alone: undici takes a fifth of the start.
    const { openEtcdSessions } = await import('../sessions/etcd/etcd-sessions.ts')
    return openEtcdSessions({
      ...shared,
      etcd: settings,
      log,
      rootAccessKeyId: root.accessKeyId,
      onPolicy: createPolicyFollower(options, policies),
    })
  }
  const sessions = etcd === undefined ? createDerivedSessions(shared) : await openShared(etcd)
  closers.push(() => sessions.close())
  // Every process watches etcd, and finds revocations there.
  return peers === undefined || etcd !== undefined
    ? sessions
    : shareRevocations(sessions, { peers, nowMs, log })
}

/** Returns a function that adds, replaces and removes policies from etcd. One of `--policy` wins over them, and they win over the canned ones. */
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
      // Without the deletion, a canned policy of the same name would apply, which may allow more.
      policies.delete(name)
      log.error({ policy: name, reason: String(error) }, 'a policy in etcd cannot be read')
    }
  }
}
