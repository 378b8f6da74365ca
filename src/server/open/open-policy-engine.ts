import { createJsonClient } from '../../base/http/json-client.ts'
import type { Authorizer } from '../policy/authorizer.ts'
import { createIamAuthorizer } from '../policy/iam-authorizer.ts'
import { createOpaAuthorizer } from '../policy/opa-authorizer.ts'
import type { PolicyDocument } from '../policy/policy-document.ts'
import type { ServerOptions } from '../options/server-options.ts'
import type { Closers } from './closers.ts'

/** OPA's answers are short. A request waits for a decision no longer than the timeout. */
const decisionLimits = { timeoutMs: 2000, maxBytes: 64 * 1024 }

/** Opens the engine that decides requests: IAM documents, a remote OPA or an `opa` process of the server's own. @throws {StsCliError} As `runOpa`. */
export async function openPolicyEngine(
  { policyEngine, log, nowMs }: ServerOptions,
  policies: Map<string, PolicyDocument>,
  closers: Closers,
): Promise<Authorizer & { checkReady?(): Promise<boolean> }> {
  if (policyEngine === undefined) return createIamAuthorizer({ policies })
  if (policyEngine.kind === 'remote') {
    const { url, authorization, ca, form } = policyEngine
    const { postJson, close } = createJsonClient({ ...decisionLimits, authorization, ca })
    closers.push(close)
    return createOpaAuthorizer({ url, form, postJson, log })
  }
  const { runOpa } = await import('../policy/run-opa.ts')
  const { url, socketPath, stop } = await runOpa({ ...policyEngine, log, nowMs })
  closers.push(stop)
  const { postJson, close } = createJsonClient({ ...decisionLimits, socketPath })
  closers.push(close)
  return createOpaAuthorizer({ url, form: 'opa', postJson, log })
}
