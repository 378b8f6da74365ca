/** The doors beside the token's: who else is believed, as the options name it. */
import { setTimeout as wait } from 'node:timers/promises'
import { StsCliError } from '../base/errors.ts'
import { createAttemptPacer } from './identity/ldap/attempt-pacer.ts'
import { createLdapDirectory } from './identity/ldap/directory.ts'
import type { PolicyDocument } from './policy/policy-document.ts'
import type { ServerOptions } from './server-options.ts'
import type { LdapLogins } from './sts/sts-action.ts'

type KnownPolicies = ReadonlyMap<string, PolicyDocument>

/** The directory and its users' policies. @throws {StsCliError} `ERR_CONFIG` for a policy that does not exist. */
export function openLdap(
  { ldap, policyEngine, nowMs, log }: ServerOptions,
  policies: KnownPolicies,
): LdapLogins | undefined {
  if (ldap === undefined) return undefined
  for (const [dn, names] of ldap.policies)
    if (policyEngine === undefined) checkPolicies(names, `the LDAP mapping of ${dn}`, policies)
  const pacer = createAttemptPacer({ nowMs, wait: (delayMs) => wait(delayMs) })
  const directory = createLdapDirectory(ldap, { pacer, log, nowMs })
  return { directory, policies: ldap.policies }
}

/** A name that is misspelt is found at start, not by a user who may do nothing. */
function checkPolicies(names: readonly string[], what: string, policies: KnownPolicies): void {
  const unknown = names.find((name) => !policies.has(name))
  if (unknown === undefined) return
  throw new StsCliError('ERR_CONFIG', `${what} names the policy ${unknown}, which does not exist`, {
    stage: 'serve',
    hint: `there are ${[...policies.keys()].join(', ')}; add your own with --policy NAME=FILE`,
  })
}
