/** A role beyond MinIO's: policies, and who may assume it. */
import { isObject, parseJson, readNumber, readString, readStrings } from '../../base/parse.ts'
import { AwsError } from '../../protocol/aws-error.ts'
import { parseRoleTrust, type RoleTrust } from './role-trust.ts'

export interface RoleDocument {
  /** The last part of its ARN. */
  readonly name: string
  /** A whole ARN instead of MinIO's form with the name. */
  readonly arn: string | undefined
  readonly policyNames: readonly string[]
  /** Credentials may live this long, however short the token's life is; undefined: no longer than the token. */
  readonly maxDurationSeconds: number | undefined
  /** One of them must let a token in. */
  readonly trust: readonly RoleTrust[]
}

const members = new Set(['name', 'arn', 'policies', 'maxDurationSeconds', 'trust'])
const maxTrusts = 32

/**
 * Reads a role.
 *
 * @param where For messages: the file.
 * @throws {AwsError} `InvalidParameterValue` naming what is wrong.
 */
export function parseRoleDocument(text: string, where: string): RoleDocument {
  const json = parseJson(text)
  if (!isObject(json)) throw refuse(`${where} is not a JSON object`)
  for (const name of Object.keys(json))
    if (!members.has(name)) throw refuse(`${where} has an unknown member ${name}`)
  const name = readString(json, 'name') ?? ''
  if (!/^[A-Za-z0-9][A-Za-z0-9_/.-]{0,63}$/.test(name))
    throw refuse(`${where}: name must be letters, digits and _/.-, at most 64`)
  const arn = readString(json, 'arn')
  if (
    json['arn'] !== undefined &&
    !/^arn:[\w-]+:iam:[\w-]*:\d*:role\/[\w+=,.@/-]+$/.test(arn ?? '')
  )
    throw refuse(`${where}: arn must be of the form arn:aws:iam::000000000000:role/NAME`)
  const policyNames = readStrings(json, 'policies')
  if (policyNames.length === 0 || policyNames.includes(''))
    throw refuse(`${where}: policies must name at least one policy`)
  return {
    name,
    arn,
    policyNames,
    maxDurationSeconds: readDuration(json, where),
    trust: readTrust(json['trust'], where),
  }
}

function readDuration(json: Readonly<Record<string, unknown>>, where: string): number | undefined {
  if (json['maxDurationSeconds'] === undefined) return undefined
  const seconds = readNumber(json, 'maxDurationSeconds') ?? 0
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= 31_536_000) return seconds
  throw refuse(`${where}: maxDurationSeconds must be a whole number from 1 to 31536000`)
}

function readTrust(value: unknown, where: string): RoleTrust[] {
  const list: unknown[] = Array.isArray(value) ? value : [value]
  if (value === undefined || list.length === 0 || list.length > maxTrusts)
    throw refuse(`${where}: trust must say who may assume the role, in 1 to ${maxTrusts} entries`)
  return list.map((entry) => parseRoleTrust(entry, where))
}

function refuse(message: string): AwsError {
  return new AwsError('InvalidParameterValue', message)
}
