/**
 * The identity provider's keys: fetched once for many callers, refreshed on a timer and when a token names a key we lack, and kept through
 * an outage.
 */
import { hasPassed } from '../../base/has-passed.ts'
import type { FetchJson } from '../../base/http/json-client.ts'
import { countEntries, findAmbiguousKids, importJwks, type JwtKey } from '../../protocol/jwt/jwk.ts'
import type { Log } from '../../base/log.ts'

export interface KeySetOptions {
  /** Gives the key set's address; asked at each refresh, so that discovery may move it. */
  readonly findJwksUrl: () => Promise<string>
  readonly fetchJson: FetchJson
  readonly nowMs: () => number
  readonly log: Log
}

/** A key that was dropped from the set stops verifying after this long even when no unknown key turns up. */
const maxAgeMs = 10 * 60 * 1000
/** A flood of tokens with made-up kids causes one fetch in this time. */
const minRefreshMs = 30 * 1000

export interface KeySet {
  /** The keys at hand, when they are fresh. Undefined: ask `refresh`. */
  findCached(kid: string | undefined): JwtKey | undefined
  /** Whether a refresh may help and may be made now. */
  canRefresh(): boolean
  /** Fetches once for all who wait; a failure leaves the last good set and is logged. */
  refresh(): Promise<void>
  readonly hasKeys: boolean
}

/** Makes an empty key set; the first look-up fills it. */
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
      // The first load answers nobody's unknown kid: keys rotated right after it must not wait out the pause.
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

  return {
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
    get hasKeys() {
      const isStale = hasPassed(maxAgeMs, fetchedAtMs, options.nowMs())
      // Stale keys are refreshed beside the request, not before it: an outage must not slow what still verifies.
      if (isStale && keys.length > 0 && hasPassed(minRefreshMs, triedAtMs, options.nowMs()))
        void this.refresh()
      return keys.length > 0
    },
  }
}

/** @throws {Error} for what is no key set, and for one without a key: a provider that signs has one, so the fault is its. */
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
