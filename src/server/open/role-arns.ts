import { hash } from '../../protocol/digest.ts'
import { byClaimArn, toAwsRoleArn } from '../identity/role-arn.ts'
import type { IdentityPluginOptions, ServerOptions } from '../options/server-options.ts'
import { parseRoleDocument, type RoleDocument } from '../policy/role-document.ts'
import { toConfigError } from './config-error.ts'

/** Returns the values that callers may send as RoleArn, one for each role. @throws {StsCliError} `ERR_CONFIG` for a role that cannot be read. */
export function listRoleArns(options: ServerOptions): readonly string[] {
  const { roleProviders = [], roles = new Map<string, string>(), identityPlugin, region } = options
  const documents = [...roles].map(([file, text]) => readRole(text, file))
  const arns = [
    ...roleProviders.map(({ clientId }) => listProviderArns(region, clientId)),
    ...documents.map((document) => listDocumentArns(region, document)),
    ...(identityPlugin === undefined ? [] : [listPluginArns(region, identityPlugin)]),
  ]
  return arns.map(([arn]) => arn)
}

/**
 * Returns a RoleArn for programs that must send one: that of the token's claim, where one names policies, or else the first role that tokens may assume, in
 * AWS's form where it has one. Undefined if the server takes no tokens of an identity provider.
 *
 * @throws {StsCliError} `ERR_CONFIG` for a role that cannot be read.
 */
export function chooseTokenRole(options: ServerOptions): string | undefined {
  const {
    identityProvider,
    roleProviders = [],
    roles = new Map<string, string>(),
    region,
  } = options
  if (identityProvider !== undefined) return byClaimArn
  const [provider] = roleProviders
  if (provider !== undefined) return listProviderArns(region, provider.clientId).at(-1)
  const documents = [...roles].map(([file, text]) => readRole(text, file))
  const role = documents.find(({ trust }) => trust.length > 0)
  return role && listDocumentArns(region, role).at(-1)
}

/** Reads a role's document. @throws {StsCliError} `ERR_CONFIG` naming the file and what is wrong. */
export function readRole(text: string, file: string): RoleDocument {
  try {
    return parseRoleDocument(text, `role ${file}`)
  } catch (cause) {
    throw toConfigError('role-invalid', cause)
  }
}

/** The role's own ARN, then its other names. */
export type RoleArns = readonly [string, ...string[]]

/** Returns the ARNs of MINIO_IDENTITY_OPENID_ROLE_POLICY's role, which MinIO derives from the client id (docs/wire.md §1.4). */
export function listProviderArns(region: string, clientId: string): RoleArns {
  return toArns(region, digest(clientId))
}

/** Returns the ARNs of a role document: its own, or those derived from its name. */
export function listDocumentArns(region: string, { arn, name }: RoleDocument): RoleArns {
  return arn === undefined ? toArns(region, name) : [arn]
}

/** Returns the ARNs of the identity plugin's role, which MinIO derives from the plugin's role id or URL (docs/wire.md §1.4). */
export function listPluginArns(
  region: string,
  { roleId, url }: Pick<IdentityPluginOptions, 'roleId' | 'url'>,
): RoleArns {
  return toArns(region, `idmp-${roleId ?? digest(url)}`)
}

/**
 * Returns MinIO's form of an ARN, with the region and without: a MinIO without a region shows the latter, so that guides and scripts have it.
 * A server that takes any region has us-east-1 in its ARNs. The last one is AWS's form, for tools that check it.
 */
function toArns(region: string, id: string): RoleArns {
  return [
    `arn:minio:iam:${region || 'us-east-1'}::role/${id}`,
    `arn:minio:iam:::role/${id}`,
    toAwsRoleArn(id),
  ]
}

/** Returns the SHA-1 of a text, of which MinIO makes the name. Nothing secret depends on it. */
function digest(text: string): string {
  return hash('sha1', text).toString('base64url')
}
