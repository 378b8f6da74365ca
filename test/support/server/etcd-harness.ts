/** Stores on a fake etcd, opened as a server opens them and closed after the test. */
import { onTestFinished } from 'vitest'
import type { Log } from '../../../src/base/log.ts'
import {
  type EtcdSessionsOptions,
  openEtcdSessions,
} from '../../../src/server/sessions/etcd/etcd-sessions.ts'
import type { SessionRequest, SessionStore } from '../../../src/server/sessions/session-store.ts'
import { type FakeEtcd, startFakeEtcd } from './fake-etcd.ts'

/** A time within the lifetime of every recorded identity. */
export const nowMs = (): number => Date.parse('2026-11-23T16:40:00.250Z')

export const request: SessionRequest = {
  subject: 'alice',
  claims: { sub: 'alice', iss: 'https://idp.example', policy: ['readonly', 'own'] },
  policyNames: ['readonly', 'own'],
  sessionPolicy: undefined,
  groups: [],
  expiresAtMs: nowMs() + 3_600_000,
}

export interface Logged {
  readonly level: 'info' | 'warn' | 'error'
  readonly facts: object
  readonly message: string
}

/** Returns a log that keeps its lines. */
export function openMemoryLog(): { log: Log; lines: Logged[] } {
  const lines: Logged[] = []
  const at = (level: Logged['level']) => (facts: object, message: string) => {
    lines.push({ level, facts, message })
  }
  return { log: { info: at('info'), warn: at('warn'), error: at('error') }, lines }
}

export interface OpenedStore {
  readonly store: SessionStore
  readonly lines: readonly Logged[]
  readonly policies: ReadonlyMap<string, string | undefined>
}

/** Opens a store with a short heartbeat; further options override the defaults. */
export async function openStore(
  etcd: Pick<FakeEtcd, 'url'>,
  options: Partial<EtcdSessionsOptions> = {},
): Promise<OpenedStore> {
  const { log, lines } = openMemoryLog()
  const policies = new Map<string, string | undefined>()
  const store = await openEtcdSessions({
    etcd: { endpoints: [etcd.url], keyPrefix: '', tls: {}, user: undefined },
    rootAccessKeyId: 'minio',
    rootSecret: 'minio123',
    policyClaim: 'policy',
    nowMs,
    log,
    onPolicy: (name, text) => policies.set(name, text),
    // The limit is long enough for a busy machine; a test that must wait for it waits only once.
    limitMs: 600,
    heartbeatMs: 20,
    ...options,
  })
  onTestFinished(() => store.close())
  return { store, lines, policies }
}

/** Starts a fake etcd, which stops after the test, once its stores are closed. */
export async function startEtcd(...user: Parameters<typeof startFakeEtcd>): Promise<FakeEtcd> {
  const etcd = await startFakeEtcd(...user)
  onTestFinished(() => etcd.stop())
  return etcd
}

/** Waits until the condition holds; the time limit of the test ends the wait. */
export async function until(isSo: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve))
}
