/** MinIO's variables for LDAP, and `--ldap-policy` → the directory whose users may log in. */
import { StsCliError } from '../../base/errors.ts'
import type { Io } from '../../base/io.ts'
import { isObject, parseJson } from '../../base/parse.ts'
import { normalizeDn } from '../../server/identity/ldap/distinguished-name.ts'
import type { ServerOptions } from '../../server/options/server-options.ts'
import { isOn, readCa, readVariable, variableError } from './variables.ts'
import { readTextFile, type Settings } from '../options/settings.ts'

/** Variables of other MinIO versions, with what to use instead. */
const unsupported: Readonly<Record<string, string>> = {
  MINIO_IDENTITY_LDAP_SRV_RECORD_NAME: 'name the server in MINIO_IDENTITY_LDAP_SERVER_ADDR',
  MINIO_IDENTITY_LDAP_USERNAME_FORMAT:
    'use MINIO_IDENTITY_LDAP_LOOKUP_BIND_DN and MINIO_IDENTITY_LDAP_USER_DN_SEARCH_FILTER',
  MINIO_IDENTITY_LDAP_USER_DN_ATTRIBUTES:
    'policies may ask for ldap:user, ldap:username and ldap:groups',
}

/** Reads the directory; undefined where none is set. @throws {StsCliError} `ERR_CONFIG` naming the variable and what it takes; `ERR_USAGE`, `ERR_INPUT`, `ERR_DATA` for the flags. */
export function readLdap(settings: Settings, io: Io): ServerOptions['ldap'] {
  const policies = readPolicies(settings)
  const address = readVariable(io, 'MINIO_IDENTITY_LDAP_SERVER_ADDR')
  if (address === undefined) {
    if (policies.size === 0) return undefined
    throw new StsCliError(
      'ldap-server-missing',
      '--ldap-policy needs a directory: set MINIO_IDENTITY_LDAP_SERVER_ADDR',
      { stage: 'serve' },
    )
  }
  for (const [name, hint] of Object.entries(unsupported))
    if (readVariable(io, name) !== undefined)
      throw variableError('variable-unsupported', name, 'is not supported', hint)
  const security = readSecurity(io)
  return {
    ...splitAddress(address, security === 'tls' ? 636 : 389),
    security,
    timeoutMs: 10_000,
    isCertificateChecked: !isOn(io, 'MINIO_IDENTITY_LDAP_TLS_SKIP_VERIFY'),
    ca: readCa(settings),
    lookupDn: readDn(io, 'MINIO_IDENTITY_LDAP_LOOKUP_BIND_DN'),
    lookupPassword: readRequired(io, 'MINIO_IDENTITY_LDAP_LOOKUP_BIND_PASSWORD'),
    userBases: readBases(io, 'MINIO_IDENTITY_LDAP_USER_DN_SEARCH_BASE_DN'),
    userFilter: readFilter(io, 'MINIO_IDENTITY_LDAP_USER_DN_SEARCH_FILTER', /%s/),
    ...readGroups(io),
    policies,
  }
}

function readSecurity(io: Io): 'tls' | 'starttls' | 'none' {
  const isPlain = isOn(io, 'MINIO_IDENTITY_LDAP_SERVER_INSECURE')
  const isUpgraded = isOn(io, 'MINIO_IDENTITY_LDAP_SERVER_STARTTLS')
  if (isPlain && isUpgraded)
    throw variableError(
      'variables-conflict',
      'MINIO_IDENTITY_LDAP_SERVER_INSECURE',
      'and MINIO_IDENTITY_LDAP_SERVER_STARTTLS are both on',
      'passwords travel in the clear with the first, encrypted with the second: keep one',
    )
  if (isUpgraded) return 'starttls'
  return isPlain ? 'none' : 'tls'
}

function readGroups(io: Io): { groupBases: string[]; groupFilter: string | undefined } {
  const names = [
    'MINIO_IDENTITY_LDAP_GROUP_SEARCH_BASE_DN',
    'MINIO_IDENTITY_LDAP_GROUP_SEARCH_FILTER',
  ] as const
  if (names.every((name) => readVariable(io, name) === undefined))
    return { groupBases: [], groupFilter: undefined }
  return { groupBases: readBases(io, names[0]), groupFilter: readFilter(io, names[1], /%[sd]/) }
}

/** Splits `ldap.example.com`, `ldap.example.com:1636`, `[::1]:636`. */
function splitAddress(text: string, defaultPort: number): { host: string; port: number } {
  const [, bracketed, plain, port] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const host = bracketed ?? plain
  if (host === undefined || Number(port ?? 0) > 65_535)
    throw variableError(
      'variable-invalid',
      'MINIO_IDENTITY_LDAP_SERVER_ADDR',
      `${JSON.stringify(text)} is not HOST or HOST:PORT`,
    )
  return { host, port: port === undefined ? defaultPort : Number(port) }
}

function readRequired(io: Io, name: string): string {
  const text = readVariable(io, name)
  if (text === undefined)
    throw variableError(
      'variable-missing',
      'MINIO_IDENTITY_LDAP_SERVER_ADDR',
      `is set, and so ${name} must be`,
    )
  return text
}

function readDn(io: Io, name: string): string {
  const text = readRequired(io, name)
  if (normalizeDn(text) === undefined)
    throw variableError(
      'variable-invalid',
      name,
      `${JSON.stringify(text)} is not a distinguished name`,
    )
  return text
}

/** Reads base DNs, separated by `;` as with MinIO. */
function readBases(io: Io, name: string): string[] {
  const bases = readRequired(io, name)
    .split(';')
    .map((base) => base.trim())
    .filter((base) => base !== '')
  for (const base of bases)
    if (normalizeDn(base) === undefined)
      throw variableError(
        'variable-invalid',
        name,
        `${JSON.stringify(base)} is not a distinguished name`,
      )
  return bases
}

function readFilter(io: Io, name: string, mark: RegExp): string {
  const text = readRequired(io, name).trim()
  if (!/^\(.*\)$/s.test(text) || !mark.test(text))
    throw variableError(
      'variable-invalid',
      name,
      `${JSON.stringify(text)} is not a filter with ${mark.source === '%s' ? '%s' : '%d or %s'}`,
      'write it in parentheses, such as (uid=%s) for users and (member=%d) for groups',
    )
  return text
}

/** Reads `--ldap-policy POLICY=DN`, and the same from a file: `{"DN": "POLICY"}` or `{"DN": ["POLICY", …]}`. */
function readPolicies(settings: Settings): ReadonlyMap<string, readonly string[]> {
  const policies = new Map<string, readonly string[]>()
  const attach = (dn: string, names: readonly string[], where: string): void => {
    const key = normalizeDn(dn)
    if (key === undefined || names.length === 0 || names.includes(''))
      throw new StsCliError(
        'ldap-policy-invalid',
        `${where}: ${JSON.stringify(dn)} is not a distinguished name, or has no policy`,
        {
          stage: 'serve',
          hint: 'write --ldap-policy readwrite=cn=ops,ou=groups,dc=example,dc=org',
        },
      )
    policies.set(key, [...(policies.get(key) ?? []), ...names])
  }
  const file = settings.get('ldap-policy-file')
  if (file !== undefined) for (const [dn, names] of readPolicyFile(file)) attach(dn, names, file)
  for (const text of settings.list('ldap-policy')) {
    const at = text.indexOf('=')
    attach(text.slice(at + 1), at < 1 ? [] : [text.slice(0, at)], '--ldap-policy')
  }
  return policies
}

function readPolicyFile(file: string): [string, string[]][] {
  const json = parseJson(readTextFile(file, 'LDAP policy'))
  const entries = isObject(json) ? Object.entries(json) : undefined
  return (entries ?? [['', undefined] as const]).map(([dn, value]) => {
    const names: unknown[] = Array.isArray(value) ? value : [value]
    if (names.every((name) => typeof name === 'string')) return [dn, names]
    throw new StsCliError('ldap-policy-file-invalid', `${file} is not a JSON object of names`, {
      stage: 'serve',
      hint: 'write {"cn=ops,ou=groups,dc=example,dc=org": "readwrite"}',
    })
  })
}
