/** The doors beside the token's: who else is believed, as the options name it. */
import { setTimeout as wait } from 'node:timers/promises'
import { createHash } from 'node:crypto'
import type { ErrorReason } from '../base/error-reasons.ts'
import { StsCliError } from '../base/errors.ts'
import { createJsonClient, type FetchJson } from '../base/http/json-client.ts'
import { createIdentityPlugin } from './identity/identity-plugin.ts'
import { createLoginThrottle } from './identity/ldap/login-throttle.ts'
import { createLdapDirectory } from './identity/ldap/directory.ts'
import { createTokenVerifier, type TokenVerifier } from './identity/token-verifier.ts'
import type { RunningIssuer } from './issuer/start-issuer.ts'
import { findOwnProvider, openTokenVerifier, type Closers } from './open-backends.ts'
import type { PolicyDocument } from './policy/policy-document.ts'
import { parseRoleDocument, type RoleDocument } from './policy/role-document.ts'
import { createTrustingRole, type TokenRole } from './policy/token-role.ts'
import type { IdentityPluginOptions, ServerOptions } from './server-options.ts'
import type { LdapLogins, PluginRole } from './sts/sts-action.ts'

type KnownPolicies = ReadonlyMap<string, PolicyDocument>

interface Surroundings {
  readonly issuer: RunningIssuer | undefined
  readonly policies: KnownPolicies
  readonly closers: Closers
}

export interface IdentitySources {
  readonly tokenVerifier: TokenVerifier | undefined
  readonly ldap: LdapLogins | undefined
  readonly isCertificateAccepted: boolean
  readonly roles: ReadonlyMap<string, TokenRole>
  readonly plugin: PluginRole | undefined
  /** Whether all that is asked at every login answers. */
  checkReady(): Promise<boolean>
}

/** Everybody who is believed. @throws {StsCliError} `ERR_CONFIG` naming what is wrong with a role or a policy's name. */
export function openIdentitySources(
  options: ServerOptions,
  surroundings: Surroundings,
): IdentitySources {
  const tokenVerifier = openTokenVerifier(options, surroundings.issuer, surroundings.closers)
  const ldap = openLdap(options, surroundings.policies)
  const roles = openRoles(options, { ...surroundings, tokenVerifier })
  const plugin = openPlugin(options, surroundings)
  return {
    tokenVerifier,
    ldap,
    isCertificateAccepted: options.clientCa !== undefined,
    roles,
    plugin,
    async checkReady() {
      const parts = [tokenVerifier?.checkReady(), ldap?.directory.checkReady()]
      return (await Promise.all(parts)).every((isReady) => isReady !== false)
    },
  }
}

/** The directory and its users' policies. @throws {StsCliError} `ERR_CONFIG` for a policy that does not exist. */
function openLdap(
  { ldap, policyEngine, nowMs, log }: ServerOptions,
  policies: KnownPolicies,
): LdapLogins | undefined {
  if (ldap === undefined) return undefined
  for (const [dn, names] of ldap.policies)
    if (policyEngine === undefined) checkPolicies(names, `the LDAP mapping of ${dn}`, policies)
  const pacer = createLoginThrottle({ nowMs, wait: (delayMs) => wait(delayMs) })
  const directory = createLdapDirectory(ldap, { pacer, log, nowMs })
  return { directory, policies: ldap.policies }
}

/** A name that is misspelt is found at start, not by a user who may do nothing. */
function checkPolicies(names: readonly string[], what: string, policies: KnownPolicies): void {
  const unknown = names.find((name) => !policies.has(name))
  if (unknown === undefined) return
  throw new StsCliError(
    'server-policy-unknown',
    `${what} names the policy ${unknown}, which does not exist`,
    {
      stage: 'serve',
      details: { known: [...policies.keys()] },
    },
  )
}

/** What callers may name as RoleArn, one for each role. @throws {StsCliError} `ERR_CONFIG` for a role that cannot be read. */
export function listRoleArns(options: ServerOptions): readonly string[] {
  const { roleProviders = [], roles = new Map<string, string>(), identityPlugin, region } = options
  const ids = roleProviders.map(({ clientId }) => digest(clientId))
  const documents = [...roles].map(([file, text]) => readRole(text, file))
  return [
    ...ids.map((id) => toArn(region, id)),
    ...documents.map(({ arn, name }) => arn ?? toArn(region, name)),
    ...(identityPlugin === undefined ? [] : [toArn(region, toPluginId(identityPlugin))]),
  ]
}

/** Key sets and discovery documents, as for claims-based tokens. */
const providerLimits = { timeoutMs: 5000, maxBytes: 1024 * 1024 }
/** MinIO's own limit for the plugin. */
const pluginLimits = { timeoutMs: 5000, maxBytes: 64 * 1024 }

type RoleSurroundings = Surroundings & { readonly tokenVerifier: TokenVerifier | undefined }

/** The roles of MinIO's variables and those of files, by each of their ARNs. */
function openRoles(
  options: ServerOptions,
  { issuer, policies, closers, tokenVerifier }: RoleSurroundings,
): ReadonlyMap<string, TokenRole> {
  const { roleProviders = [], roles: texts = new Map<string, string>(), region } = options
  const roles = new Map<string, TokenRole>()
  const add = (role: TokenRole, arns: readonly string[]): void => {
    if (options.policyEngine === undefined)
      checkPolicies(role.policyNames, `the role ${role.arn}`, policies)
    for (const arn of arns) {
      if (roles.has(arn)) throw roleError('role-duplicate', `two roles have the ARN ${arn}`)
      roles.set(arn, role)
    }
  }
  for (const { configUrl, clientId, policyNames, ca } of roleProviders) {
    const { fetchJson, close } = createJsonClient({ ...providerLimits, ca })
    closers.push(close)
    const verifier = createTokenVerifier({ ...options, configUrl, clientId, fetchJson })
    const arns = toArns(region, digest(clientId))
    const arn = arns[0] ?? ''
    add({ arn, policyNames, maxDurationSeconds: undefined, verify: verifier.verify }, arns)
  }
  if (texts.size === 0) return roles
  const { fetchJson, close } = createJsonClient({ ...providerLimits, ca: options.ca })
  closers.push(close)
  const verifiers = new Map<string, TokenVerifier>()
  const own = findOwnProvider(options, issuer)
  if (own !== undefined && tokenVerifier !== undefined) verifiers.set(own.issuer, tokenVerifier)
  for (const [file, text] of texts) {
    const document = readRole(text, file)
    openVerifiers(document, verifiers, { ...options, fetchJson })
    const arns = document.arn === undefined ? toArns(region, document.name) : [document.arn]
    add(createTrustingRole(arns[0] ?? '', document, verifiers), arns)
  }
  return roles
}

function readRole(text: string, file: string): RoleDocument {
  try {
    return parseRoleDocument(text, `role ${file}`)
  } catch (cause) {
    throw roleError('role-invalid', cause instanceof Error ? cause.message : String(cause), cause)
  }
}

/** One for every issuer that the role trusts, shared with other roles; nothing is fetched before its first token. */
function openVerifiers(
  { trust }: RoleDocument,
  verifiers: Map<string, TokenVerifier>,
  options: ServerOptions & { readonly fetchJson: FetchJson },
): void {
  for (const { issuer } of trust) {
    if (verifiers.has(issuer)) continue
    const configUrl = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
    verifiers.set(issuer, createTokenVerifier({ ...options, configUrl }))
  }
}

function openPlugin(
  options: ServerOptions,
  { policies, closers }: Surroundings,
): PluginRole | undefined {
  const { identityPlugin, region, log } = options
  if (identityPlugin === undefined) return undefined
  const { url, authorization, policyNames, ca } = identityPlugin
  const arns = toArns(region, toPluginId(identityPlugin))
  if (options.policyEngine === undefined)
    checkPolicies(policyNames, `the role ${arns[0] ?? ''}`, policies)
  const client = createJsonClient({ ...pluginLimits, authorization, ca })
  closers.push(client.close)
  const plugin = createIdentityPlugin({ url, post: client.postForAnswer, log })
  return { client: plugin, arns, policyNames }
}

/** MinIO's form. */
function toArn(region: string, id: string): string {
  return `arn:minio:iam:${region}::role/${id}`
}

/** The ARN, and that which a MinIO without a region gives: guides and scripts hold it. */
function toArns(region: string, id: string): string[] {
  return [toArn(region, id), toArn('', id)]
}

function toPluginId({ roleId, url }: IdentityPluginOptions): string {
  return `idmp-${roleId ?? digest(url)}`
}

/** SHA-1, because that is the name MinIO gives: nothing is kept secret by it. */
function digest(text: string): string {
  return createHash('sha1').update(text).digest('base64url')
}

function roleError(reason: ErrorReason, message: string, cause?: unknown): StsCliError {
  return new StsCliError(reason, message, { stage: 'serve', cause })
}
