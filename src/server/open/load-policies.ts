import { cannedPolicies } from '../policy/canned-policies.ts'
import { parsePolicyDocument, type PolicyDocument } from '../policy/policy-document.ts'
import type { ServerOptions } from '../options/server-options.ts'
import { toConfigError } from './config-error.ts'

/** Returns the canned policies and the operator's own, by name. @throws {StsCliError} `ERR_CONFIG` naming a policy that cannot be read. */
export function loadPolicies(options: ServerOptions): Map<string, PolicyDocument> {
  const policies = new Map(cannedPolicies)
  for (const [name, text] of options.policies) {
    try {
      policies.set(name, parsePolicyDocument(text, `policy ${name}`))
    } catch (cause) {
      throw toConfigError('server-policy-invalid', cause)
    }
  }
  return policies
}
