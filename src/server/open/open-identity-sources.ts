import type { TokenVerifier } from '../identity/token-verifier.ts'
import type { RunningIssuer } from '../issuer/start-issuer.ts'
import type { ServerOptions } from '../options/server-options.ts'
import type { PolicyDocument } from '../policy/policy-document.ts'
import type { TokenRole } from '../policy/token-role.ts'
import type { LdapLogins, PluginRole } from '../sts/sts-action.ts'
import type { Closers } from './closers.ts'
import { openIdentityPlugin } from './open-identity-plugin.ts'
import { openLdap } from './open-ldap.ts'
import { openRoles } from './open-roles.ts'
import { openTokenVerifier } from './open-token-verifier.ts'

export interface IdentitySourceDependencies {
  readonly issuer: RunningIssuer | undefined
  readonly policies: ReadonlyMap<string, PolicyDocument>
  readonly closers: Closers
}

export interface IdentitySources {
  readonly tokenVerifier: TokenVerifier | undefined
  readonly ldap: LdapLogins | undefined
  readonly isCertificateAccepted: boolean
  readonly roles: ReadonlyMap<string, TokenRole>
  readonly plugin: PluginRole | undefined
  /** Resolves to whether everything that each login depends on answers. */
  checkReady(): Promise<boolean>
}

/** Opens every source of identities. @throws {StsCliError} `ERR_CONFIG` naming what is wrong with a role or a policy's name. */
export function openIdentitySources(
  options: ServerOptions,
  { issuer, policies, closers }: IdentitySourceDependencies,
): IdentitySources {
  const tokenVerifier = openTokenVerifier(options, issuer, closers)
  const ldap = openLdap(options, policies)
  return {
    tokenVerifier,
    ldap,
    isCertificateAccepted: options.clientCa !== undefined,
    roles: openRoles(options, { issuer, policies, closers, tokenVerifier }),
    plugin: openIdentityPlugin(options, policies, closers),
    async checkReady() {
      const parts = [tokenVerifier?.checkReady(), ldap?.directory.checkReady()]
      return (await Promise.all(parts)).every((isReady) => isReady !== false)
    },
  }
}
