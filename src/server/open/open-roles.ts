import { StsCliError } from '../../base/errors.ts'
import { createJsonClient } from '../../base/http/json-client.ts'
import { toCanonicalArn } from '../identity/principal-names.ts'
import { isByClaimArn } from '../identity/role-arn.ts'
import { createTokenVerifier, type TokenVerifier } from '../identity/token-verifier.ts'
import type { RunningIssuer } from '../issuer/start-issuer.ts'
import type { ServerOptions } from '../options/server-options.ts'
import type { PolicyDocument } from '../policy/policy-document.ts'
import { createTokenRole, type TokenRole } from '../policy/token-role.ts'
import type { RoleDocument } from '../policy/role-document.ts'
import { checkRolePrincipals, type OpenedRole } from './check-role-principals.ts'
import { checkPolicyNames } from './check-policy-names.ts'
import type { Closers } from './closers.ts'
import { openIssuerVerifiers } from './open-issuer-verifiers.ts'
import { findEmbeddedProvider, providerLimits } from './open-token-verifier.ts'
import {
  listDocumentArns,
  listPluginArns,
  listProviderArns,
  readRole,
  type RoleArns,
} from './role-arns.ts'

export interface RoleDependencies {
  readonly issuer: RunningIssuer | undefined
  readonly policies: ReadonlyMap<string, PolicyDocument>
  /** The verifier of the trusted issuer, which roles that trust the embedded provider share. */
  readonly tokenVerifier: TokenVerifier | undefined
  readonly closers: Closers
}

/** Opens the roles of MinIO's variables and those of files, by each of their ARNs. @throws {StsCliError} `ERR_CONFIG` naming what is wrong with one. */
export function openRoles(
  options: ServerOptions,
  dependencies: RoleDependencies,
): ReadonlyMap<string, TokenRole> {
  const { roleProviders = [], region } = options
  const roles = new Map<string, TokenRole>()
  const names = new Set<string>()
  const opened: OpenedRole[] = []
  const add = (role: TokenRole, arns: RoleArns, document?: RoleDocument): void => {
    const { policyNames } = role
    opened.push({ arns, document })
    checkPolicyNames(
      { setting: `the role ${role.arn}`, policyNames },
      options,
      dependencies.policies,
    )
    requireOwnArns(arns, names)
    for (const arn of arns) roles.set(arn, role)
  }
  for (const { configUrl, clientId, policyNames, ca } of roleProviders) {
    const { fetchJson, close } = createJsonClient({ ...providerLimits, ca })
    dependencies.closers.push(close)
    const { verify } = createTokenVerifier({ ...options, configUrl, clientId, fetchJson })
    const arns = listProviderArns(region, clientId)
    add({ arn: arns[0], policyNames, maxDurationSeconds: undefined, verify }, arns)
  }
  addRoleDocuments(options, dependencies, add)
  const { identityPlugin } = options
  if (identityPlugin !== undefined)
    opened.push({ arns: listPluginArns(region, identityPlugin), document: undefined })
  checkRolePrincipals(opened)
  return roles
}

/**
 * Adds a role's ARNs to those in use. They are compared as bucket policies compare them, so that two roles are never one principal.
 *
 * @throws {StsCliError} `ERR_CONFIG` for an ARN of another role, and for the one that means the token's claim.
 */
function requireOwnArns(arns: RoleArns, names: Set<string>): void {
  // The role's own ARN is the last one set, so that messages name it.
  const own = new Map(arns.toReversed().map((arn) => [toCanonicalArn(arn), arn]))
  for (const [name, arn] of own) {
    if (isByClaimArn(name))
      throw new StsCliError(
        'role-invalid',
        `the role ARN ${arn} is reserved: it means the policies of the token's claim`,
        { stage: 'serve' },
      )
    if (names.has(name))
      throw new StsCliError('role-duplicate', `two roles have the ARN ${arn}`, { stage: 'serve' })
    names.add(name)
  }
}

function addRoleDocuments(
  options: ServerOptions,
  { issuer, closers, tokenVerifier }: RoleDependencies,
  add: (role: TokenRole, arns: RoleArns, document: RoleDocument) => void,
): void {
  const { roles: texts = new Map<string, string>(), region, ca } = options
  if (texts.size === 0) return
  const { fetchJson, close } = createJsonClient({ ...providerLimits, ca })
  closers.push(close)
  const verifiers = new Map<string, TokenVerifier>()
  const embedded = findEmbeddedProvider(options, issuer)
  if (embedded !== undefined && tokenVerifier !== undefined)
    verifiers.set(embedded.issuer, tokenVerifier)
  for (const [file, text] of texts) {
    const document = readRole(text, file)
    openIssuerVerifiers(document, verifiers, { ...options, fetchJson })
    const arns = listDocumentArns(region, document)
    add(createTokenRole(arns[0], document, verifiers), arns, document)
  }
}
