/** A role file: the role's policies and its trust policy. MinIO has no such files; its roles come from the identity provider's settings. */
import { checkMembers, invalidDocument } from './invalid-document.ts'
import { isObject, parseJson, readNumber, readString, readStrings } from '../../base/parse.ts'
import { parsePrincipalTrust, type PrincipalTrust } from './role-principals.ts'
import { parseRoleTrust, type RoleTrust } from './role-trust.ts'

/** A parsed role file. */
export interface RoleDocument {
  /** The last part of the role's ARN. */
  readonly name: string
  /** The full ARN; undefined for an ARN of MinIO's form with the name. */
  readonly arn: string | undefined
  readonly policyNames: readonly string[]
  /** The maximum lifetime of the credentials, even when the token expires sooner. Undefined: the credentials expire with the token. */
  readonly maxDurationSeconds: number | undefined
  /** The entries of `trust` about tokens; a token may assume the role when at least one of them accepts it. */
  readonly trust: readonly RoleTrust[]
  /** The entries of `trust` about principals of this server, which assume the role by AssumeRole. */
  readonly principals: readonly PrincipalTrust[]
}

const members = new Set(['name', 'arn', 'policies', 'maxDurationSeconds', 'trust'])
const maxTrusts = 32

/**
 * Parses a role file.
 *
 * @param where The file's name, for error messages.
 * @throws {AwsError} `InvalidParameterValue`, which names the member that is wrong.
 */
export function parseRoleDocument(text: string, where: string): RoleDocument {
  const json = parseJson(text)
  if (!isObject(json)) throw invalidDocument(`${where} is not a JSON object`)
  checkMembers(json, members, where)
  const name = readString(json, 'name') ?? ''
  if (!/^[A-Za-z0-9][A-Za-z0-9_/.-]{0,63}$/.test(name))
    throw invalidDocument(`${where}: name must be letters, digits and _/.-, at most 64`)
  const arn = readString(json, 'arn')
  if (
    json['arn'] !== undefined &&
    !/^arn:[\w-]+:iam:[\w-]*:\d*:role\/[\w+=,.@/-]+$/.test(arn ?? '')
  )
    throw invalidDocument(`${where}: arn must be of the form arn:aws:iam::000000000000:role/NAME`)
  const policyNames = readStrings(json, 'policies')
  if (policyNames.length === 0 || policyNames.includes(''))
    throw invalidDocument(`${where}: policies must name at least one policy`)
  return {
    name,
    arn,
    policyNames,
    maxDurationSeconds: readDuration(json, where),
    ...readTrust(json['trust'], where),
  }
}

function readDuration(json: Readonly<Record<string, unknown>>, where: string): number | undefined {
  if (json['maxDurationSeconds'] === undefined) return undefined
  const seconds = readNumber(json, 'maxDurationSeconds') ?? 0
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= 31_536_000) return seconds
  throw invalidDocument(`${where}: maxDurationSeconds must be a whole number from 1 to 31536000`)
}

function readTrust(value: unknown, where: string): Pick<RoleDocument, 'trust' | 'principals'> {
  const list: unknown[] = Array.isArray(value) ? value : [value]
  if (value === undefined || list.length === 0 || list.length > maxTrusts)
    throw invalidDocument(
      `${where}: trust must say who may assume the role, in 1 to ${maxTrusts} entries`,
    )
  const trust: RoleTrust[] = []
  const principals: PrincipalTrust[] = []
  for (const entry of list) {
    if (isObject(entry) && entry['principal'] !== undefined)
      principals.push(parsePrincipalTrust(entry, where))
    else trust.push(parseRoleTrust(entry, where))
  }
  return { trust, principals }
}
