/** Name and password → who that is in the directory: looked up, proved by a bind, with the groups it belongs to. */
import { hasPassed } from '../../../base/has-passed.ts'
import type { Log } from '../../../base/log.ts'
import { AwsError } from '../../../protocol/aws-error.ts'
import type { LoginThrottle } from './login-throttle.ts'
import {
  withLdapConnection,
  type LdapConnection,
  type LdapEntry,
  type LdapSearch,
  type LdapServer,
} from './connection.ts'
import { chooseUserName, findNameAttributes } from './user-name.ts'

export interface LdapOptions extends LdapServer {
  readonly lookupDn: string
  readonly lookupPassword: string
  readonly userBases: readonly string[]
  /** `%s` is the name that was typed. */
  readonly userFilter: string
  readonly groupBases: readonly string[]
  /** `%s` is the user's name as the directory has it, `%d` its distinguished name. Undefined: groups are not asked for. */
  readonly groupFilter: string | undefined
}

export interface LdapLogin {
  readonly username: string
  readonly password: string
  /** Where the request comes from. */
  readonly address: string
  /** Called before the login is held after failures, if it is. */
  readonly onHold?: (() => void) | undefined
}

export interface LdapUser {
  /** As the directory writes it. */
  readonly dn: string
  /** As the directory writes it, and the same whatever was typed: see `chooseUserName`. */
  readonly username: string
  readonly groups: readonly string[]
}

export interface LdapDirectory {
  /**
   * @throws {AwsError} `InvalidParameterValue`, the same for an unknown user and a wrong password; `SlowDown` after many of those;
   *   `ServiceUnavailable` when the directory does not answer.
   */
  logIn(login: LdapLogin): Promise<LdapUser>
  /** Whether the directory takes the lookup account. */
  checkReady(): Promise<boolean>
}

export interface DirectoryServices {
  readonly pacer: LoginThrottle
  readonly log: Log
  readonly nowMs: () => number
}

/** A user in more groups than this is refused: fewer groups than there are may be more rights than there are. */
const maxGroups = 500
/** Longer names and passwords are nobody's; each costs the directory work. */
const maxNameLength = 256
const maxPasswordBytes = 1024
/** Health is asked for by anybody; the directory is asked at most this often. */
const readyAgeMs = 5000

/** Makes a directory; nothing is connected before the first login. */
export function createLdapDirectory(
  options: LdapOptions,
  { pacer, log, nowMs }: DirectoryServices,
): LdapDirectory {
  let ready = { isReady: false, atMs: Number.NEGATIVE_INFINITY }
  return {
    async logIn(login) {
      const { username, password, address, onHold } = login
      // An empty password is an unauthenticated bind, which many directories answer with success (RFC 4513 §5.1.2).
      if (password === '' || username === '') throw refuse()
      if (username.length > maxNameLength || Buffer.byteLength(password) > maxPasswordBytes)
        throw refuse()
      const user = await pacer.pace({ username, address, onHold }, () =>
        ask(() =>
          withLdapConnection(options, (connection) => findProved(connection, login, options)),
        ),
      )
      if (user === undefined) throw refuse()
      return user
    },
    async checkReady() {
      if (!hasPassed(readyAgeMs, ready.atMs, nowMs())) return ready.isReady
      const isReady = await withLdapConnection(options, async (connection) => {
        await bindForLookup(connection, options)
        return true
      }).catch(() => false)
      ready = { isReady, atMs: nowMs() }
      return isReady
    },
  }

  async function ask<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await question()
    } catch (cause) {
      log.error({ reason: String(cause) }, 'the directory could not answer')
      throw new AwsError('ServiceUnavailable', 'the LDAP server does not answer; try again', {
        cause,
      })
    }
  }
}

/** The user, when there is exactly one of that name and the directory takes its password. */
async function findProved(
  connection: LdapConnection,
  { username, password }: LdapLogin,
  options: LdapOptions,
): Promise<LdapUser | undefined> {
  const names = findNameAttributes(options.userFilter)
  await bindForLookup(connection, options)
  const [entry, ...others] = await searchAll(connection, {
    bases: options.userBases,
    filter: fillFilter(options.userFilter, { username, dn: '' }),
    attributes: names.map(({ type }) => type),
    maxEntries: 1,
  })
  const dn = entry?.dn ?? ''
  const isOne = dn !== '' && others.length === 0
  // Nobody of that name takes the same steps as a wrong password, as far as a client can tell.
  const isProved = await connection.bind(isOne ? dn : decoyOf(options), password)
  if (entry === undefined || !isOne || !isProved) return undefined
  const user = { dn, username: chooseUserName(entry, names, username) }
  if (options.groupFilter === undefined) return { ...user, groups: [] }
  await bindForLookup(connection, options)
  const groups = await searchAll(connection, {
    bases: options.groupBases,
    // The directory's spelling here too: `memberUid` is compared with case, and a group may have a policy that denies.
    filter: fillFilter(options.groupFilter, user),
    attributes: [],
    maxEntries: maxGroups,
  })
  if (groups.length > maxGroups) throw new Error(`${dn} is in more than ${maxGroups} groups`)
  return { ...user, groups: groups.map((group) => group.dn) }
}

function fillFilter(filter: string, { username, dn }: Omit<LdapUser, 'groups'>): string {
  return filter.replaceAll(/%[sd]/g, (mark) => escapeFilter(mark === '%s' ? username : dn))
}

/** What is found below several bases, each entry once. */
async function searchAll(
  connection: LdapConnection,
  { bases, ...search }: Omit<LdapSearch, 'base'> & { readonly bases: readonly string[] },
): Promise<LdapEntry[]> {
  const found = new Map<string, LdapEntry>()
  for (const base of bases)
    for (const entry of await connection.search({ ...search, base })) found.set(entry.dn, entry)
  return [...found.values()]
}

async function bindForLookup(connection: LdapConnection, options: LdapOptions): Promise<void> {
  if (await connection.bind(options.lookupDn, options.lookupPassword)) return
  throw new Error('the directory refuses the lookup account (MINIO_IDENTITY_LDAP_LOOKUP_BIND_DN)')
}

function decoyOf({ userBases }: LdapOptions): string {
  return `cn=nobody-of-that-name,${userBases[0] ?? ''}`
}

/** What has a meaning in a filter, and NUL, as `\hh` (RFC 4515 §3). */
function escapeFilter(text: string): string {
  return text.replaceAll(
    /[\\*()\0]/g,
    (character) => `\\${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}

function refuse(): AwsError {
  return new AwsError('InvalidParameterValue', 'the LDAP user name or password is wrong')
}
