/**
 * A revocation from another process, when this one's table was full, was an unhandled rejection and ended the process; the next process got the
 * same revocation again. And the primary kept a revocation once for every time that it was announced.
 */
import type { Worker } from 'node:cluster'
import { EventEmitter } from 'node:events'
import { expect, it } from 'vitest'
import { openWhole } from '../../../src/server/create-server.ts'
import type { Peers } from '../../../src/server/options/peers.ts'
import { shareRevocations } from '../../../src/server/sessions/share-revocations.ts'
import {
  createDerivedSessions,
  tooManyRevocations,
} from '../../../src/server/sessions/derived-sessions.ts'
import { createPrimary } from '../../../src/server/workers/primary.ts'

const target = { accessKeyId: 'A'.repeat(20) }

it('a revocation that does not fit into the table is logged', async () => {
  const sessions = createDerivedSessions({ rootSecret: 'a root secret', nowMs: () => 0 })
  let hear: Parameters<Peers['onRevocation']>[0] = () => {}
  const peers = { onRevocation: (listener: typeof hear) => (hear = listener) } as unknown as Peers
  const full = { ...sessions, revoke: () => Promise.reject(tooManyRevocations()) }
  const logged: string[] = []
  const note = (_facts: object, message: string): void => void logged.push(message)
  const log = { info: note, warn: note, error: note }
  shareRevocations(full, { peers, nowMs: () => 0, log })
  hear({ target, atMs: 1 })
  await new Promise((resolve) => setImmediate(resolve))
  expect(logged).toEqual(['what another process revoked is not revoked in this one'])
})

it('a later worker gets a revocation once, even if it was announced twice', () => {
  const sent: unknown[] = []
  const worker = Object.assign(new EventEmitter(), {
    id: 1,
    isConnected: () => true,
    send: (message: unknown) => void sent.push(message),
  })
  const primary = createPrimary()
  primary.connect(worker as unknown as Worker)
  for (const atMs of [1, 2])
    worker.emit('message', { kind: 'revoked', revocation: { target, atMs } })
  worker.emit('message', { kind: 'here' })
  expect(sent).toEqual([{ kind: 'revoked', revocation: { target, atMs: 2 } }])
})

it('the error of a failed start is reported, even if something else fails to stop', async () => {
  const starting = openWhole(async (closers) => {
    closers.push(() => Promise.reject(new Error('cannot stop')))
    throw new Error('cannot start')
  })
  await expect(starting).rejects.toThrow('cannot start')
})
