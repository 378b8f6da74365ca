/** Logs users in with an LDAP directory: finds the user, checks the password with a bind, and finds the user's groups. */
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
} from './ldap-connection.ts'
import { chooseUserName, findNameAttributes } from './user-name.ts'

/** The settings of the directory (MINIO_IDENTITY_LDAP_*). */
export interface LdapOptions extends LdapServer {
  readonly lookupDn: string
  readonly lookupPassword: string
  readonly userBases: readonly string[]
  /** The filter that finds a user; `%s` is the typed name. */
  readonly userFilter: string
  readonly groupBases: readonly string[]
  /**
   * The filter that finds a user's groups; `%s` is the user name as the directory spells it, `%d` the distinguished name. Undefined: groups
   * are not searched.
   */
  readonly groupFilter: string | undefined
}

/** One attempt to log in. */
export interface LdapLogin {
  readonly username: string
  readonly password: string
  /** The IP address of the client. */
  readonly address: string
  /** Called before the login is delayed because of earlier failures. Not called when there is no delay. */
  readonly onHold?: (() => void) | undefined
}

/** A user who has logged in. */
export interface LdapUser {
  /** The distinguished name, as the directory spells it. */
  readonly dn: string
  /** The user name, as the directory spells it; the same for every name that finds this user. See `chooseUserName`. */
  readonly username: string
  /** The distinguished names of the groups. */
  readonly groups: readonly string[]
}

export interface LdapDirectory {
  /**
   * Checks a name and a password and returns the user.
   *
   * @throws {AwsError} `InvalidParameterValue`, with the same message for an unknown user and a wrong password; `SlowDown` when too many
   *   attempts are running; `ServiceUnavailable` when the directory does not answer.
   */
  logIn(login: LdapLogin): Promise<LdapUser>
  /** Returns whether the directory accepts the lookup account. The result is cached for 5 seconds. */
  checkReady(): Promise<boolean>
}

export interface DirectoryServices {
  readonly throttle: LoginThrottle
  readonly log: Log
  readonly nowMs: () => number
}

/**
 * The most groups of a user. A user in more groups is rejected: a missing group could have a policy that denies, so fewer groups could mean
 * more rights.
 */
const maxGroups = 500
/** Longer names and passwords are rejected without asking the directory, because each attempt costs it work. */
const maxNameLength = 256
const maxPasswordBytes = 1024
/** The time for which a readiness result is cached. Anybody may call the health check, so the directory is asked at most this often. */
const readyCacheMs = 5000

/** Returns a directory. It connects at the first login. */
export function createLdapDirectory(
  options: LdapOptions,
  { throttle, log, nowMs }: DirectoryServices,
): LdapDirectory {
  let ready = { isReady: false, atMs: Number.NEGATIVE_INFINITY }
  return {
    async logIn(login) {
      const { username, password, address, onHold } = login
      // A bind with an empty password is an unauthenticated bind, which many directories answer with success (RFC 4513 §5.1.2).
      if (password === '' || username === '') throw wrongCredentials()
      if (username.length > maxNameLength || Buffer.byteLength(password) > maxPasswordBytes)
        throw wrongCredentials()
      const user = await throttle.run({ username, address, onHold }, () =>
        withUnavailableErrors(() =>
          withLdapConnection(options, (connection) => findUser(connection, login, options)),
        ),
      )
      if (user === undefined) throw wrongCredentials()
      return user
    },
    async checkReady() {
      if (!hasPassed(readyCacheMs, ready.atMs, nowMs())) return ready.isReady
      const isReady = await withLdapConnection(options, async (connection) => {
        await bindForLookup(connection, options)
        return true
      }).catch(() => false)
      ready = { isReady, atMs: nowMs() }
      return isReady
    },
  }

  async function withUnavailableErrors<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (cause) {
      log.error({ reason: String(cause) }, 'the directory could not answer')
      throw new AwsError('ServiceUnavailable', 'the LDAP server does not answer; try again', {
        cause,
      })
    }
  }
}

/** Returns the user when the name finds exactly one entry and the directory accepts the password; otherwise undefined. */
async function findUser(
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
  const isUnique = dn !== '' && others.length === 0
  // An unknown name takes the same steps as a wrong password, so that a client cannot tell them apart.
  const isAuthenticated = await connection.bind(isUnique ? dn : toDecoyDn(options), password)
  if (entry === undefined || !isUnique || !isAuthenticated) return undefined
  const user = { dn, username: chooseUserName(entry, names, username) }
  if (options.groupFilter === undefined) return { ...user, groups: [] }
  await bindForLookup(connection, options)
  const groups = await searchAll(connection, {
    bases: options.groupBases,
    // The filter gets the directory's spelling of the name. Directories compare `memberUid` with regard to case, and a group that is not
    // found could have a policy that denies.
    filter: fillFilter(options.groupFilter, user),
    attributes: [],
    maxEntries: maxGroups,
  })
  if (groups.length > maxGroups) throw new Error(`${dn} is in more than ${maxGroups} groups`)
  return { ...user, groups: groups.map((group) => group.dn) }
}

function fillFilter(filter: string, { username, dn }: Omit<LdapUser, 'groups'>): string {
  return filter.replaceAll(/%[sd]/g, (placeholder) =>
    escapeFilter(placeholder === '%s' ? username : dn),
  )
}

/** Returns the entries found below several bases, each entry once. */
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

/** Returns the name of an entry that does not exist, for a bind that fails. */
function toDecoyDn({ userBases }: LdapOptions): string {
  return `cn=nobody-of-that-name,${userBases[0] ?? ''}`
}

/** Escapes the special characters of a filter, and NUL, as `\hh` (RFC 4515 §3). */
function escapeFilter(text: string): string {
  return text.replaceAll(
    /[\\*()\0]/g,
    (character) => `\\${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}

function wrongCredentials(): AwsError {
  return new AwsError('InvalidParameterValue', 'the LDAP user name or password is wrong')
}
