import type { AuthorizationRequest } from './authorizer.ts'
import { evaluateDocument } from './evaluate-document.ts'
import type { PolicyDocument } from './policy-document.ts'

/**
 * Returns the statement that denies the issue of credentials, for the error message; undefined if there is none. As at MinIO, whoever proves an
 * identity gets credentials unless a policy of theirs denies `sts:AssumeRoleWithWebIdentity`, usually by `sts:DurationSeconds`. Exclusions
 * (`NotAction`) are left out: they speak of what the credentials may do.
 *
 * @param makeRequest Called only if a policy denies something: most exchanges are spared the work.
 */
export function findIssueDenial(
  policies: { get?(name: string): PolicyDocument | undefined },
  policyNames: readonly string[],
  makeRequest: () => AuthorizationRequest,
): string | undefined {
  for (const name of new Set(policyNames)) {
    const document = policies.get?.(name)
    if (document === undefined) continue
    const denials = document.statements.filter(
      ({ effect, isNotAction }) => effect === 'Deny' && !isNotAction,
    )
    if (denials.length === 0) continue
    const verdict = evaluateDocument({ ...document, statements: denials }, makeRequest())
    if (verdict.effect === 'Deny') return `${name} ${verdict.label}`
  }
  return undefined
}
