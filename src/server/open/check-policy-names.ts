import { StsCliError } from '../../base/errors.ts'
import type { ServerOptions } from '../options/server-options.ts'
import type { PolicyDocument } from '../policy/policy-document.ts'

export interface PolicyReference {
  /** The setting that names the policies, for the message. */
  readonly setting: string
  readonly policyNames: readonly string[]
}

/**
 * Checks at start that the named policies exist; otherwise a user would find a misspelt name, by being denied everything. A policy engine
 * such as OPA reads the names itself, so that nothing is checked for it.
 *
 * @throws {StsCliError} `ERR_CONFIG` naming the first policy that does not exist.
 */
export function checkPolicyNames(
  { setting, policyNames }: PolicyReference,
  { policyEngine }: ServerOptions,
  policies: ReadonlyMap<string, PolicyDocument>,
): void {
  if (policyEngine !== undefined) return
  const unknown = policyNames.find((name) => !policies.has(name))
  if (unknown === undefined) return
  throw new StsCliError(
    'server-policy-unknown',
    `${setting} names the policy ${unknown}, which does not exist`,
    {
      stage: 'serve',
      details: { known: [...policies.keys()] },
    },
  )
}
