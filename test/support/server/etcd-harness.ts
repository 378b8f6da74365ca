/** Stores on a fake etcd, as a server opens them, closed after the test. */
import { onTestFinished } from 'vitest'
import type { Log } from '../../../src/base/log.ts'
import {
  type EtcdSessionsOptions,
  openEtcdSessions,
} from '../../../src/server/sessions/etcd/etcd-sessions.ts'
import type { SessionRequest, SessionStore } from '../../../src/server/sessions/session-store.ts'
import { type FakeEtcd, startFakeEtcd } from './fake-etcd.ts'

/** Inside the life of every recorded identity. */
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

/** A log that keeps what it is told. */
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

/** A store with a short heartbeat; further options override. */
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
    // Long enough for a busy machine; what must wait it out waits once.
    limitMs: 600,
    heartbeatMs: 20,
    ...options,
  })
  onTestFinished(() => store.close())
  return { store, lines, policies }
}

/** A fake etcd that goes with the test, before which its stores are closed. */
export async function startEtcd(...user: Parameters<typeof startFakeEtcd>): Promise<FakeEtcd> {
  const etcd = await startFakeEtcd(...user)
  onTestFinished(() => etcd.stop())
  return etcd
}

/** Asks until it is so; the test's own limit is the way out. */
export async function until(isSo: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve))
}
