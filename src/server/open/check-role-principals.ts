/** Checks at start that somebody can assume each role, as far as that can be known. */
import { StsCliError } from '../../base/errors.ts'
import { noRole } from '../identity/assumed-role.ts'
import { toLocalArn } from '../identity/principal-names.ts'
import type { RoleDocument } from '../policy/role-document.ts'
import type { RoleArns } from './role-arns.ts'

/** A role and its ARNs; `document` is undefined for a role that tokens assume by a setting of MinIO's. */
export interface OpenedRole {
  readonly arns: RoleArns
  readonly document: RoleDocument | undefined
}

/**
 * Checks the roles and the sessions of roles that roles' trusts name.
 *
 * @throws {StsCliError} `ERR_CONFIG` for a role with a reserved name, for the name of a role that does not exist or of a session that two roles could have, and for a role that only roles
 *   may assume which nobody can assume.
 */
export function checkRolePrincipals(opened: readonly OpenedRole[]): void {
  const reserved = opened.find(({ arns }) => arns[0].endsWith(`/${noRole}`))
  if (reserved !== undefined)
    throw toRoleError(
      `the role ${reserved.arns[0]} has a reserved name: sessions without a role have ${noRole} in its place in their ARN`,
    )
  // Roles that only tokens assume name no principals.
  const isNaming = opened.some(({ document }) => (document?.principals.length ?? 0) > 0)
  if (!isNaming) return
  const index = indexRoles(opened)
  const trusted = opened.map(({ arns: [arn], document }) => ({
    arn,
    sources: document === undefined ? undefined : listSources(arn, document, index),
  }))
  const open = new Set<string>()
  // A role is open if a token, the account, a user or an open role may assume it. Each round opens at least one, so that there are few.
  for (let size = -1; size !== open.size;) {
    size = open.size
    for (const { arn, sources } of trusted)
      if (sources === undefined || sources.some((source) => source === anybody || open.has(source)))
        open.add(arn)
  }
  const closed = trusted.find(({ arn }) => !open.has(arn))
  if (closed !== undefined)
    throw toRoleError(
      `the role ${closed.arn} can be assumed by nobody: its trust names only roles that nobody can assume`,
    )
}

/** A source that may exist: tokens, the account and users are not known before they come. */
const anybody = ''

/** Returns the ARNs of the roles whose sessions may assume a role, and `anybody` if others may. */
function listSources(arn: string, { trust, principals }: RoleDocument, index: RoleIndex): string[] {
  const isOpen = trust.length > 0 || principals.some((entry) => entry.isAnyone || entry.hasAccount)
  const named = principals.flatMap((entry) => [...entry.arns])
  return [...(isOpen ? [anybody] : []), ...named.map((name) => findSource(arn, name, index))]
}

/** The roles by the names that a trust can have for them, each with the role's own ARN. */
interface RoleIndex {
  readonly byArn: ReadonlyMap<string, string>
  /** By the last part of the name, which a session's ARN has. */
  readonly byLastPart: ReadonlyMap<string, readonly string[]>
}

function indexRoles(opened: readonly OpenedRole[]): RoleIndex {
  const byArn = new Map<string, string>()
  const byLastPart = new Map<string, string[]>()
  for (const { arns } of opened) {
    const [own] = arns
    for (const arn of arns) byArn.set(toLocalArn(arn), own)
    const last = own.slice(own.lastIndexOf('/') + 1)
    const same = byLastPart.get(last)
    if (same === undefined) byLastPart.set(last, [own])
    else same.push(own)
  }
  return { byArn, byLastPart }
}

/** Returns the role whose sessions have a name, or `anybody` for one that is not a role's. */
function findSource(arn: string, name: string, { byArn, byLastPart }: RoleIndex): string {
  const [, kind, rest = ''] = /:(role|assumed-role)\/(.+)$/s.exec(name) ?? []
  if (kind === undefined) return anybody
  const role = rest.split('/')[0] ?? ''
  // Sessions whose policies come from a claim have this name in the place of a role's.
  if (kind === 'assumed-role' && role === noRole) return anybody
  const ofName = byArn.get(name)
  const found =
    kind === 'role' ? (ofName === undefined ? [] : [ofName]) : (byLastPart.get(role) ?? [])
  const [source] = found
  if (source === undefined)
    throw toRoleError(`the role ${arn} trusts ${name}, but there is no such role`)
  if (found.length > 1)
    throw toRoleError(
      `the role ${arn} trusts ${name}, which can be a session of ${found.join(' or ')}: name the role`,
    )
  return source
}

function toRoleError(message: string): StsCliError {
  return new StsCliError('role-invalid', message, { stage: 'serve' })
}
