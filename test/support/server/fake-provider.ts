/** An identity provider that answers from memory and records the requests. */
import type { Log } from '../../../src/base/log.ts'
import type { FetchJson } from '../../../src/base/http/json-client.ts'
import { nowMs as startMs } from '../tokens.ts'

export const jwksUrl = 'https://idp.example/oauth2/jwks'
export const configUrl = 'https://idp.example/.well-known/openid-configuration'

export interface FakeProvider {
  readonly clock: { nowMs: number }
  readonly nowMs: () => number
  /** URL → its document; an Error is thrown. */
  readonly documents: Map<string, unknown>
  /** Every URL that was requested, oldest first. */
  readonly asked: string[]
  readonly fetchJson: FetchJson
  /** Logged messages, oldest first. */
  readonly logged: string[]
  readonly log: Log
  /** Holds all answers back until the returned function is called. */
  hold(): () => void
}

export function makeProvider(documents: Readonly<Record<string, unknown>>): FakeProvider {
  const clock = { nowMs: startMs }
  const asked: string[] = []
  const logged: string[] = []
  let gate: Promise<void> = Promise.resolve()
  const provider: FakeProvider = {
    clock,
    nowMs: () => clock.nowMs,
    documents: new Map(Object.entries(documents)),
    asked,
    async fetchJson(url) {
      asked.push(url)
      await gate
      const found = provider.documents.get(url)
      if (found === undefined || found instanceof Error) throw found ?? new Error(`${url}: 404`)
      return found
    },
    logged,
    log: {
      info: (facts, message) => void logged.push(`info ${message} ${JSON.stringify(facts)}`),
      warn: (facts, message) => void logged.push(`warn ${message} ${JSON.stringify(facts)}`),
      error: (facts, message) => void logged.push(`error ${message} ${JSON.stringify(facts)}`),
    },
    hold() {
      let open = (): void => {}
      gate = new Promise((resolve) => {
        open = resolve
      })
      return open
    },
  }
  return provider
}
