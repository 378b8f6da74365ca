/**
 * What the provider remembers, in memory. What strangers can make without signing in is bounded apart from what belongs to users, one kind
 * apart from another and one user apart from another: a flood of one never costs another its place.
 */
import type { Adapter, AdapterPayload } from './create-issuer.ts'
import { hasPassed } from '../../base/has-passed.ts'

export interface ModelStoreOptions {
  readonly nowMs: () => number
  /** The error of a request that would need a place where all are taken; the library answers with it. */
  readonly toFull: () => Error
  /** The error of a request whose parameters are too long to be kept. */
  readonly toTooLarge: () => Error
  readonly bounds?: Partial<ModelBounds> | undefined
}

export interface ModelBounds {
  /** Of each kind that strangers can make (begun logins, their sessions…): the oldest goes when there is no place. */
  readonly maxAnonymous: number
  /** Device logins that nobody has approved yet. Their codes are on somebody's screen: a new one is refused when there is no place. */
  readonly maxPendingDevices: number
  /** Of each kind, of one user: the user's oldest goes. */
  readonly maxPerAccount: number
}

/** With `maxAnonymousBytes` at most 64 MiB a kind. A begun login lives ten minutes: 27 a second may be begun before one is lost. */
const defaults: ModelBounds = {
  maxAnonymous: 16_384,
  maxPendingDevices: 8192,
  maxPerAccount: 1000,
}
/** A login's parameters are some hundred bytes; the longest are `state` and `redirect_uri`. */
const maxAnonymousBytes = 4096

interface Entry {
  readonly id: string
  readonly payload: AdapterPayload
  readonly account: string
  readonly savedAtMs: number
  /** Infinity: until it is removed. */
  readonly lifetimeMs: number
}

/** Nobody's: what a stranger made. No user has an empty name. */
const nobody = ''

/** Makes the library's adapter factory; what it keeps is shared by all adapters that it makes. */
export function createModelStore(options: ModelStoreOptions): (kind: string) => Adapter {
  /** Grant → what was issued under it, to be revoked with it. */
  const grants = new Map<string, Map<Entry, () => void>>()
  const adapters = new Map<string, Adapter>()
  return (kind) => {
    const adapter = adapters.get(kind) ?? createAdapter(createShelf(kind, options, grants), grants)
    adapters.set(kind, adapter)
    return adapter
  }
}

interface Shelf {
  find(id: string | undefined): AdapterPayload | undefined
  findBy(index: 'uid' | 'userCode', value: string): AdapterPayload | undefined
  put(id: string, payload: AdapterPayload, lifetimeMs: number): void
  remove(id: string): void
}

function createAdapter(
  shelf: Shelf,
  grants: ReadonlyMap<string, ReadonlyMap<Entry, () => void>>,
): Adapter {
  return {
    upsert: async (id, payload, seconds) =>
      shelf.put(id, payload, seconds === undefined ? Number.POSITIVE_INFINITY : seconds * 1000),
    find: async (id) => shelf.find(id),
    findByUid: async (uid) => shelf.findBy('uid', uid),
    findByUserCode: async (code) => shelf.findBy('userCode', code),
    async consume(id) {
      const payload = shelf.find(id)
      if (payload !== undefined) payload.consumed = Math.floor(Date.now() / 1000)
    },
    destroy: async (id) => shelf.remove(id),
    async revokeByGrantId(grantId) {
      for (const remove of grants.get(grantId)?.values() ?? []) remove()
    },
  }
}

function createShelf(
  kind: string,
  { nowMs, toFull, toTooLarge, bounds: given }: ModelStoreOptions,
  grants: Map<string, Map<Entry, () => void>>,
): Shelf {
  const bounds = { ...defaults, ...given }
  const entries = new Map<string, Entry>()
  /** Account → its entries, the oldest first. */
  const accounts = new Map<string, Map<string, Entry>>()
  const indexes = createIndexes()
  const isOver = (entry: Entry): boolean => hasPassed(entry.lifetimeMs, entry.savedAtMs, nowMs())
  const remove = (id: string): void => {
    const entry = entries.get(id)
    if (entry === undefined) return
    entries.delete(id)
    removeFrom(accounts, entry.account, id)
    indexes.remove(entry)
    const grantId = grantOf(kind, entry)
    if (grantId !== undefined) removeFrom(grants, grantId, entry)
  }
  /** Takes away what is over, and the account's oldest beyond the bound. @throws What `toFull` makes. */
  const makeRoom = (account: string): void => {
    const own = accounts.get(account)
    if (own === undefined) return
    const isPending = account === nobody && kind === 'DeviceCode'
    const limit = account === nobody ? bounds.maxAnonymous : bounds.maxPerAccount
    for (const [id, entry] of own) {
      // Of one kind all live equally long, so that the oldest is the first that is over.
      if (!isOver(entry) && (isPending || own.size < limit)) break
      remove(id)
    }
    if (isPending && own.size >= bounds.maxPendingDevices) throw toFull()
  }
  const find = (id: string | undefined): AdapterPayload | undefined => {
    const entry = id === undefined ? undefined : entries.get(id)
    if (entry === undefined || !isOver(entry)) return entry?.payload
    remove(entry.id)
    return undefined
  }
  return {
    find,
    findBy: (index, value) => find(indexes.find(index, value)),
    remove,
    put(id, payload, lifetimeMs) {
      const account = accountOf(payload)
      if (account === nobody && JSON.stringify(payload).length > maxAnonymousBytes)
        throw toTooLarge()
      // What is there already keeps its place, unless it has become a user's.
      if (entries.get(id)?.account !== account) makeRoom(account)
      remove(id)
      const entry = { id, payload, account, savedAtMs: nowMs(), lifetimeMs }
      entries.set(id, entry)
      insertInto(accounts, account, id, entry)
      indexes.add(entry)
      const grantId = grantOf(kind, entry)
      if (grantId !== undefined) insertInto(grants, grantId, entry, () => remove(id))
    },
  }
}

/** A login that was just proved is its user's before the session is. */
function accountOf({ accountId, session, result }: AdapterPayload): string {
  return accountId ?? result?.login?.accountId ?? session?.accountId ?? nobody
}

/** A login that goes on names the grant as well, and must not be revoked with it. */
function grantOf(kind: string, { payload }: Entry): string | undefined {
  return kind === 'Interaction' ? undefined : payload.grantId
}

/** Ways to find an entry other than by its id. */
function createIndexes(): {
  find(index: 'uid' | 'userCode', value: string): string | undefined
  add(entry: Entry): void
  remove(entry: Entry): void
} {
  const names = ['uid', 'userCode'] as const
  const maps = { uid: new Map<string, string>(), userCode: new Map<string, string>() }
  return {
    find: (index, value) => maps[index].get(value),
    add({ id, payload }) {
      for (const name of names) {
        const value = payload[name]
        if (value !== undefined) maps[name].set(value, id)
      }
    },
    remove({ id, payload }) {
      for (const name of names) {
        const value = payload[name]
        // Another entry may have taken it over.
        if (value !== undefined && maps[name].get(value) === id) maps[name].delete(value)
      }
    },
  }
}

function insertInto<K, I, V>(groups: Map<K, Map<I, V>>, key: K, id: I, value: V): void {
  const group = groups.get(key)
  if (group === undefined) groups.set(key, new Map([[id, value]]))
  else group.set(id, value)
}

function removeFrom<K, I, V>(groups: Map<K, Map<I, V>>, key: K, id: I): void {
  const group = groups.get(key)
  group?.delete(id)
  if (group?.size === 0) groups.delete(key)
}
