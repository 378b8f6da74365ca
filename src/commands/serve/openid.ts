/** MinIO's variables for OpenID, with and without a provider's name at the end → the trusted providers. */
import type { Io } from '../../base/io.ts'
import { findPublicIssuer } from '../../server/policy/public-issuers.ts'
import type {
  ExternalProvider,
  RoleProvider,
  ServerOptions,
} from '../../server/options/server-options.ts'
import { isOn, readCa, readUrlVariable, readVariable, variableError } from './variables.ts'
import { readTextFile, type Settings } from '../options/settings.ts'

export interface OpenIdSettings {
  /** The provider whose claims name policies; one at most, as with MinIO. */
  readonly claimBased: (ExternalProvider & { readonly variable: string }) | undefined
  readonly policyClaim: string
  readonly roleProviders: readonly RoleProvider[]
}

/** Reads the providers. @throws {StsCliError} `ERR_CONFIG` for variables that are not valid, by themselves or together. */
export function readOpenId(settings: Settings, io: Io): OpenIdSettings {
  const ca = readCa(settings)
  const jwksUrl = readUrlVariable(io, 'MINIO_IAM_JWKS_URL')
  const suffixes = findSuffixes(io)
  const rolePolicies = new Map(suffixes.map((suffix) => [suffix, readRolePolicy(io, suffix)]))
  const claimBased = suffixes.filter((suffix) => rolePolicies.get(suffix) === undefined)
  const [only, other] = claimBased
  if (other !== undefined)
    throw variableError(
      'second-claim-provider',
      `MINIO_IDENTITY_OPENID_CONFIG_URL${other}`,
      'is a second provider whose claims would name policies',
      'all but one need a MINIO_IDENTITY_OPENID_ROLE_POLICY of their own',
    )
  return {
    claimBased: readClaimBased(io, { suffix: only, jwksUrl, ca }),
    policyClaim:
      (readVariable(io, `MINIO_IDENTITY_OPENID_CLAIM_PREFIX${only ?? ''}`) ?? '') +
      (readVariable(io, `MINIO_IDENTITY_OPENID_CLAIM_NAME${only ?? ''}`) ?? 'policy'),
    roleProviders: readRoleProviders(io, rolePolicies, ca),
  }
}

/** Returns the suffixes of the variables of providers that are on: empty, or `_NAME`. */
function findSuffixes(io: Io): string[] {
  const suffixesOf = (variable: string): string[] =>
    Object.keys(io.env)
      .filter((name) => readVariable(io, name) !== undefined && name.startsWith(variable))
      .map((name) => name.slice(variable.length))
      .filter((suffix) => suffix === '' || /^_./.test(suffix))
  const suffixes = suffixesOf('MINIO_IDENTITY_OPENID_CONFIG_URL').toSorted()
  const orphan = suffixesOf('MINIO_IDENTITY_OPENID_ROLE_POLICY').find(
    (suffix) => !suffixes.includes(suffix),
  )
  if (orphan !== undefined)
    throw variableError(
      'variable-missing',
      `MINIO_IDENTITY_OPENID_ROLE_POLICY${orphan}`,
      `is set, and so MINIO_IDENTITY_OPENID_CONFIG_URL${orphan} must be`,
    )
  const userinfo = suffixes.find((suffix) =>
    isOn(io, `MINIO_IDENTITY_OPENID_CLAIM_USERINFO${suffix}`),
  )
  if (userinfo !== undefined)
    throw variableError(
      'variable-unsupported',
      `MINIO_IDENTITY_OPENID_CLAIM_USERINFO${userinfo}`,
      'is not supported',
      'put the claims into the token itself',
    )
  return suffixes.filter(
    (suffix) =>
      readVariable(io, `MINIO_IDENTITY_OPENID_ENABLE${suffix}`) === undefined ||
      isOn(io, `MINIO_IDENTITY_OPENID_ENABLE${suffix}`),
  )
}

function readClaimBased(
  io: Io,
  {
    suffix,
    jwksUrl,
    ca,
  }: { suffix: string | undefined; jwksUrl: string | undefined; ca: ExternalProvider['ca'] },
): OpenIdSettings['claimBased'] {
  if (suffix === undefined && jwksUrl === undefined) return undefined
  const variable = `MINIO_IDENTITY_OPENID_CONFIG_URL${suffix ?? ''}`
  // MINIO_IAM_JWKS_URL names keys without an issuer, and the other names an issuer.
  if (suffix !== undefined && jwksUrl !== undefined)
    throw variableError(
      'variables-conflict',
      'MINIO_IAM_JWKS_URL',
      `and ${variable} are both set`,
      'both say whose tokens are believed: keep one',
    )
  return {
    kind: 'external',
    variable: jwksUrl === undefined ? variable : 'MINIO_IAM_JWKS_URL',
    jwksUrl,
    configUrl: suffix === undefined ? undefined : readUrlVariable(io, variable),
    clientId: readVariable(io, `MINIO_IDENTITY_OPENID_CLIENT_ID${suffix ?? ''}`),
    ...readLoginClient(io, suffix ?? ''),
    ca,
  }
}

/** What the server needs besides the client's id to sign people in there, by MinIO's names. The scopes are a list with commas, as there. */
function readLoginClient(io: Io, suffix: string): Pick<RoleProvider, 'clientSecret' | 'scope'> {
  const scopes = readVariable(io, `MINIO_IDENTITY_OPENID_SCOPES${suffix}`)
  const scope = scopes
    ?.split(/[\s,]+/)
    .filter((name) => name !== '')
    .join(' ')
  return {
    clientSecret: readVariable(io, `MINIO_IDENTITY_OPENID_CLIENT_SECRET${suffix}`),
    scope: scope === '' ? undefined : scope,
  }
}

function readRolePolicy(io: Io, suffix: string): readonly string[] | undefined {
  const variable = `MINIO_IDENTITY_OPENID_ROLE_POLICY${suffix}`
  const text = readVariable(io, variable)
  if (text === undefined) return undefined
  if ((readVariable(io, `MINIO_IDENTITY_OPENID_CLAIM_NAME${suffix}`) ?? 'policy') !== 'policy')
    throw variableError(
      'variables-conflict',
      variable,
      `and MINIO_IDENTITY_OPENID_CLAIM_NAME${suffix} are both set`,
      'the rights come from the role or from a claim: keep one',
    )
  return splitPolicies(variable, text)
}

/** Splits `a,b`. @throws {StsCliError} `ERR_CONFIG` when there is none. */
export function splitPolicies(variable: string, text: string): readonly string[] {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  if (names.length === 0) throw variableError('variable-invalid', variable, 'names no policy')
  return names
}

function readRoleProviders(
  io: Io,
  rolePolicies: ReadonlyMap<string, readonly string[] | undefined>,
  ca: RoleProvider['ca'],
): RoleProvider[] {
  const providers: RoleProvider[] = []
  for (const [suffix, policyNames] of rolePolicies) {
    if (policyNames === undefined) continue
    const variable = `MINIO_IDENTITY_OPENID_CONFIG_URL${suffix}`
    const configUrl = readUrlVariable(io, variable) ?? ''
    const clientId = readVariable(io, `MINIO_IDENTITY_OPENID_CLIENT_ID${suffix}`)
    if (clientId === undefined)
      throw variableError(
        'variable-missing',
        variable,
        `is set, and so MINIO_IDENTITY_OPENID_CLIENT_ID${suffix} must be`,
      )
    if (providers.some((provider) => provider.clientId === clientId))
      throw variableError(
        'client-id-duplicate',
        `MINIO_IDENTITY_OPENID_CLIENT_ID${suffix}`,
        'is another provider’s too: their roles would have one ARN',
      )
    checkIssuerIsPrivate(configUrl, variable)
    providers.push({ configUrl, clientId, ...readLoginClient(io, suffix), policyNames, ca })
  }
  return providers
}

/** Refuses public issuers, because the variables cannot express conditions. */
function checkIssuerIsPrivate(configUrl: string, variable: string): void {
  if (findPublicIssuer(configUrl) === undefined) return
  throw variableError(
    'public-issuer',
    variable,
    'serves everybody: with a role policy alone, any stranger’s token would do',
    'say whose tokens are trusted with --role FILE',
  )
}

/** Reads the files of `--role`. @throws {StsCliError} `ERR_INPUT`. */
export function readRoles(settings: Settings): ServerOptions['roles'] {
  return new Map(settings.list('role').map((file) => [file, readTextFile(file, 'role')]))
}
