/**
 * The identity provider's keys. Concurrent callers share one fetch. The keys are refreshed when they are ten minutes old and when a token
 * names an unknown key, and they stay in use during an outage of the provider.
 */
import { hasPassed } from '../../base/has-passed.ts'
import type { FetchJson } from '../../base/http/json-client.ts'
import { countEntries, findAmbiguousKids, importJwks, type JwtKey } from '../../protocol/jwt/jwk.ts'
import type { Log } from '../../base/log.ts'

export interface KeySetOptions {
  /** Returns the URL of the key set. It is called at each refresh, because the provider may change the URL in its discovery document. */
  readonly findJwksUrl: () => Promise<string>
  readonly fetchJson: FetchJson
  readonly nowMs: () => number
  readonly log: Log
}

/** The age at which the keys are refreshed, so that a key which the provider removed is no longer accepted. */
const maxAgeMs = 10 * 60 * 1000
/** The minimum time between two fetches: many tokens with invented key ids cause only one fetch in this time. */
const minRefreshMs = 30 * 1000

export interface KeySet {
  /** Returns the cached key of a token; undefined when the set does not have it. */
  findCached(kid: string | undefined): JwtKey | undefined
  /** Returns whether the keys may be fetched now. */
  canRefresh(): boolean
  /** Fetches the keys; concurrent callers share one fetch. A failure is logged, and the previous keys stay in use. */
  refresh(): Promise<void>
  /** Loads the keys when there are none. Starts a refresh in the background, without waiting for it, when the keys are old. */
  ensureFresh(): Promise<void>
  /** Returns whether there is at least one key. */
  hasKeys(): boolean
}

/** Returns an empty key set. `ensureFresh` and `refresh` load the keys. */
export function createKeySet(options: KeySetOptions): KeySet {
  let keys: readonly JwtKey[] = []
  let fetchedAtMs = Number.NEGATIVE_INFINITY
  let triedAtMs = Number.NEGATIVE_INFINITY
  let pending: Promise<void> | undefined

  const fetchKeys = async (): Promise<void> => {
    triedAtMs = options.nowMs()
    try {
      const url = await options.findJwksUrl()
      const read = readKeys(url, await options.fetchJson(url), options.log)
      // The first load was not for an unknown key. So the next one may follow at once, when the keys are rotated right after it.
      if (fetchedAtMs === Number.NEGATIVE_INFINITY) triedAtMs = Number.NEGATIVE_INFINITY
      keys = read.keys
      fetchedAtMs = options.nowMs()
      options.log.info({ keys: keys.length, entries: read.entries }, 'key set loaded')
    } catch (error) {
      options.log.warn(
        { reason: error instanceof Error ? error.message : String(error), keptKeys: keys.length },
        'key set could not be loaded',
      )
    }
  }

  const keySet: KeySet = {
    findCached(kid) {
      if (kid === undefined) return keys.length === 1 ? keys[0] : undefined
      return (
        keys.find((key) => key.kid === kid) ??
        (keys.length === 1 && keys[0]?.kid === undefined ? keys[0] : undefined)
      )
    },
    canRefresh() {
      return hasPassed(minRefreshMs, triedAtMs, options.nowMs()) || pending !== undefined
    },
    async refresh() {
      pending ??= fetchKeys().finally(() => {
        pending = undefined
      })
      await pending
    },
    async ensureFresh() {
      if (keys.length === 0) {
        if (keySet.canRefresh()) await keySet.refresh()
        return
      }
      const isStale = hasPassed(maxAgeMs, fetchedAtMs, options.nowMs())
      // A request does not wait for this refresh: an outage of the provider must not delay tokens that the cached keys verify.
      if (isStale && hasPassed(minRefreshMs, triedAtMs, options.nowMs())) void keySet.refresh()
    },
    hasKeys() {
      return keys.length > 0
    },
  }
  return keySet
}

/** @throws {Error} for a document that is not a key set, or that has no usable key: a provider that signs tokens must publish one. */
function readKeys(
  url: string,
  document: unknown,
  log: Log,
): { keys: readonly JwtKey[]; entries: number } {
  const keys = importJwks(document)
  if (keys === undefined) throw new Error(`${url} is not a JSON Web Key Set`)
  const counts = countEntries(document)
  if (counts.privateKeys > 0)
    log.error({ url, ...counts }, 'the key set publishes private keys: they are not used')
  const kids = findAmbiguousKids(document)
  if (kids.length > 0)
    log.error(
      { url, kids: kids.slice(0, 20) },
      'several keys of the key set have one kid: they are not used',
    )
  if (keys.length === 0)
    throw new Error(`${url} holds no key that can be used (of ${counts.entries})`)
  return { keys, entries: counts.entries }
}
