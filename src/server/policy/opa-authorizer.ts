/** Asks Open Policy Agent, or any access management plugin that takes MinIO's question. */
import type { Log } from '../../base/log.ts'
import { isObject } from '../../base/parse.ts'
import type { PostJson } from '../../base/http/json-client.ts'
import type { AuthorizationRequest, Authorizer, Decision } from './authorizer.ts'

export interface OpaAuthorizerOptions {
  /** The document to query, such as `http://localhost:8181/v1/data/httpapi/authz`. */
  readonly url: string
  readonly postJson: PostJson
  readonly log: Log
}

/**
 * An authorizer that allows what OPA answers with `{"result":true}` or `{"result":{"allow":true}}`, and denies for any other answer, for a
 * failure and for silence. Root is asked about too, as MinIO does.
 */
export function createOpaAuthorizer({ url, postJson, log }: OpaAuthorizerOptions): Authorizer & {
  checkReady(): Promise<boolean>
} {
  return {
    async authorize(request) {
      try {
        return readDecision(await postJson(url, { input: buildInput(request) }))
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        log.error({ why }, 'the policy engine gave no decision')
        return { isAllowed: false, reason: `the policy engine ${why}` }
      }
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

/** MinIO's document, in its order (docs/wire.md §5.2), less every secret: conditions and claims come without any. */
function buildInput({ principal, ...request }: AuthorizationRequest): object {
  return {
    account: principal.accessKey,
    groups: principal.groups.length === 0 ? null : principal.groups,
    action: request.action,
    bucket: request.bucket,
    conditions: Object.fromEntries(request.conditions),
    owner: principal.kind === 'root',
    object: request.object,
    claims:
      principal.kind === 'root' ? {} : { ...principal.claims, accessKey: principal.accessKey },
    denyOnly: false,
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
