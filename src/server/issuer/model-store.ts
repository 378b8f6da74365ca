/**
 * The provider's models (sessions, codes, tokens…), in memory. Anonymous models, which clients can create without signing in, are limited
 * separately from users' models, and so are the kinds of models and the users: many models of one never displace those of another.
 */
import { hasPassed } from '../../base/has-passed.ts'
import type { Adapter, AdapterPayload } from './oidc-library.ts'

export interface ModelStoreOptions {
  readonly nowMs: () => number
  /** Returns the error for a request when the store is full; the library answers with it. */
  readonly toFullError: () => Error
  /** Returns the error for a request whose parameters are too long to be stored. */
  readonly toTooLargeError: () => Error
  readonly limits?: Partial<ModelLimits> | undefined
}

export interface ModelLimits {
  /** The most anonymous models of each kind (begun logins, their sessions…). Beyond it the oldest is removed. */
  readonly maxAnonymous: number
  /** The most device logins that are not approved yet. Beyond it a new one is rejected: the codes of the others are on somebody's screen. */
  readonly maxPendingDevices: number
  /** The most models of each kind that belong to one user. Beyond it the user's oldest is removed. */
  readonly maxPerAccount: number
}

/**
 * With `maxAnonymousBytes`, anonymous models need at most 64 MiB per kind. A begun login expires after ten minutes, so 27 logins may begin
 * per second before one is lost.
 */
const defaultLimits: ModelLimits = {
  maxAnonymous: 16_384,
  maxPendingDevices: 8192,
  maxPerAccount: 1000,
}
/** The limit for one anonymous model. A login's parameters have some hundred bytes; the longest are `state` and `redirect_uri`. */
const maxAnonymousBytes = 4096

/** A stored model. */
interface Entry {
  readonly id: string
  readonly payload: AdapterPayload
  readonly account: string
  readonly savedAtMs: number
  /** Infinity for a model that does not expire. */
  readonly lifetimeMs: number
}

/** The account of anonymous models. A user's name is never empty. */
const anonymous = ''

/** Returns the library's adapter factory. All of its adapters share one store. */
export function createModelStore(options: ModelStoreOptions): (kind: string) => Adapter {
  /** The functions that remove the models issued under a grant, by grant id: they are revoked together. */
  const grants = new Map<string, Map<Entry, () => void>>()
  const adapters = new Map<string, Adapter>()
  return (kind) => {
    const adapter =
      adapters.get(kind) ?? createAdapter(createKindStore(kind, options, grants), grants)
    adapters.set(kind, adapter)
    return adapter
  }
}

/** The store of one kind of models. */
interface KindStore {
  find(id: string | undefined): AdapterPayload | undefined
  findBy(index: 'uid' | 'userCode', value: string): AdapterPayload | undefined
  put(id: string, payload: AdapterPayload, lifetimeMs: number): void
  remove(id: string): void
}

function createAdapter(
  store: KindStore,
  grants: ReadonlyMap<string, ReadonlyMap<Entry, () => void>>,
): Adapter {
  return {
    upsert: async (id, payload, seconds) =>
      store.put(id, payload, seconds === undefined ? Number.POSITIVE_INFINITY : seconds * 1000),
    find: async (id) => store.find(id),
    findByUid: async (uid) => store.findBy('uid', uid),
    findByUserCode: async (code) => store.findBy('userCode', code),
    async consume(id) {
      const payload = store.find(id)
      if (payload !== undefined) payload.consumed = Math.floor(Date.now() / 1000)
    },
    destroy: async (id) => store.remove(id),
    async revokeByGrantId(grantId) {
      for (const remove of grants.get(grantId)?.values() ?? []) remove()
    },
  }
}

function createKindStore(
  kind: string,
  { nowMs, toFullError, toTooLargeError, limits: givenLimits }: ModelStoreOptions,
  grants: Map<string, Map<Entry, () => void>>,
): KindStore {
  const limits = { ...defaultLimits, ...givenLimits }
  const entries = new Map<string, Entry>()
  /** The entries of each account, the oldest first. */
  const accounts = new Map<string, Map<string, Entry>>()
  const indexes = createIndexes()
  const isExpired = (entry: Entry): boolean => hasPassed(entry.lifetimeMs, entry.savedAtMs, nowMs())
  const remove = (id: string): void => {
    const entry = entries.get(id)
    if (entry === undefined) return
    entries.delete(id)
    removeFrom(accounts, entry.account, id)
    indexes.remove(entry)
    const grantId = grantOf(kind, entry)
    if (grantId !== undefined) removeFrom(grants, grantId, entry)
  }
  /** Removes expired models, and the account's oldest beyond the limit. @throws the result of `toFullError`. */
  const makeRoom = (account: string): void => {
    const group = accounts.get(account)
    if (group === undefined) return
    const isPending = account === anonymous && kind === 'DeviceCode'
    const limit = account === anonymous ? limits.maxAnonymous : limits.maxPerAccount
    for (const [id, entry] of group) {
      // All models of one kind have the same lifetime, so the oldest expires first.
      if (!isExpired(entry) && (isPending || group.size < limit)) break
      remove(id)
    }
    if (isPending && group.size >= limits.maxPendingDevices) throw toFullError()
  }
  const find = (id: string | undefined): AdapterPayload | undefined => {
    const entry = id === undefined ? undefined : entries.get(id)
    if (entry === undefined || !isExpired(entry)) return entry?.payload
    remove(entry.id)
    return undefined
  }
  return {
    find,
    findBy: (index, value) => find(indexes.find(index, value)),
    remove,
    put(id, payload, lifetimeMs) {
      const account = accountOf(payload)
      if (account === anonymous && JSON.stringify(payload).length > maxAnonymousBytes)
        throw toTooLargeError()
      // A model that is saved again needs no new place, unless it now belongs to a user.
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

/** Returns the account of a model. Right after a login, the interaction's result names the user, and its session does not yet. */
function accountOf({ accountId, session, result }: AdapterPayload): string {
  return accountId ?? result?.login?.accountId ?? session?.accountId ?? anonymous
}

/** Returns the grant of a model. A pending interaction names a grant too, but it must not be revoked with the grant. */
function grantOf(kind: string, { payload }: Entry): string | undefined {
  return kind === 'Interaction' ? undefined : payload.grantId
}

/** Returns indexes that find a model by its uid or its user code. */
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
        // Another entry may have the value by now.
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
