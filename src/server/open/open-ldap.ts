import { setTimeout as wait } from 'node:timers/promises'
import { createLdapDirectory } from '../identity/ldap/ldap-directory.ts'
import { createLoginThrottle } from '../identity/ldap/login-throttle.ts'
import type { ServerOptions } from '../options/server-options.ts'
import type { PolicyDocument } from '../policy/policy-document.ts'
import type { LdapLogins } from '../sts/sts-action.ts'
import { checkPolicyNames } from './check-policy-names.ts'

/** Opens the LDAP directory, with the policies of its users. @throws {StsCliError} `ERR_CONFIG` for a policy that does not exist. */
export function openLdap(
  options: ServerOptions,
  policies: ReadonlyMap<string, PolicyDocument>,
): LdapLogins | undefined {
  const { ldap, nowMs, log } = options
  if (ldap === undefined) return undefined
  for (const [dn, policyNames] of ldap.policies)
    checkPolicyNames({ setting: `the LDAP mapping of ${dn}`, policyNames }, options, policies)
  const throttle = createLoginThrottle({ nowMs, wait: (delayMs) => wait(delayMs) })
  const directory = createLdapDirectory(ldap, { throttle, log, nowMs })
  return { directory, policies: ldap.policies }
}
