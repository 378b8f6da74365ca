/** Asks Open Policy Agent, or any access management plugin that takes MinIO's question. */
import type { Log } from '../../base/log.ts'
import { isObject } from '../../base/parse.ts'
import type { PostJson } from '../../base/http/json-client.ts'
import type { AuthorizationRequest, Authorizer, Decision } from './authorizer.ts'
import { buildOpaInput, type OpaForm } from './opa-input.ts'

export interface OpaAuthorizerOptions {
  /** The document to query, such as `http://localhost:8181/v1/data/httpapi/authz`. */
  readonly url: string
  /** The form of the questions. */
  readonly form: OpaForm
  readonly postJson: PostJson
  readonly log: Log
}

/**
 * An authorizer that allows what OPA answers with `{"result":true}` or `{"result":{"allow":true}}`, and denies for any other answer, for a
 * failure and for silence. Root is asked about too, as MinIO does. A bucket policy's Allow adds nothing to it for signed
 * requests; its Deny is `combinePolicies`'s.
 */
export function createOpaAuthorizer({
  url,
  form,
  postJson,
  log,
}: OpaAuthorizerOptions): Authorizer & {
  checkReady(): Promise<boolean>
} {
  const ask = async (request: AuthorizationRequest): Promise<Decision> => {
    try {
      return readDecision(await postJson(url, { input: buildOpaInput(request, form) }))
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      log.error({ why }, 'the policy engine gave no decision')
      return { isAllowed: false, reason: `the policy engine ${why}` }
    }
  }
  return {
    isFinal: true,
    async authorize(request) {
      const { otherAction } = request
      if (otherAction !== undefined) {
        const decision = await ask({ ...request, action: otherAction })
        if (decision.isAllowed) return decision
      }
      return ask(request)
    },
    async checkReady() {
      try {
        // No input, so no decision; that it answers at all is the point. MinIO's probe is the same.
        return isObject(await postJson(url, {}))
      } catch {
        return false
      }
    },
  }
}

function readDecision(answer: unknown): Decision {
  const result = isObject(answer) ? answer['result'] : undefined
  const verdict = isObject(result) ? result['allow'] : result
  if (verdict === true) return { isAllowed: true, reason: 'allowed by the policy engine' }
  if (verdict === false) return { isAllowed: false, reason: 'the policy engine says no' }
  const why =
    isObject(answer) && verdict === undefined
      ? 'has no rule that decides it (undefined)'
      : 'answered neither true nor false'
  return { isAllowed: false, reason: `the policy engine ${why}` }
}
