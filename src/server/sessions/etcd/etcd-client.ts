/**
 * etcd by its JSON gateway (`/v3/…`, on the port that etcd's own clients use): ranges, transactions, leases and watches. Every call ends
 * within its limit, whatever the other side does.
 */
import { StsCliError } from '../../../base/errors.ts'
import { readString } from '../../../base/parse.ts'
import { readChanges, readPage, type EtcdChanges, type EtcdPage } from './etcd-answers.ts'
import { createEtcdTransport, type EtcdTransportOptions } from './etcd-transport.ts'

/** A write; without a value, a delete. */
export interface EtcdWrite {
  readonly key: string
  readonly value: string | undefined
  readonly lease: string
}

export interface RangeOptions {
  readonly prefix: string
  /** Begin after this key instead of at the prefix's first. */
  readonly afterKey?: string | undefined
  readonly limit: number
}

export interface WatchOptions {
  readonly prefix: string
  readonly fromRevision: string
  readonly endpoint: number
}

/** Every method throws `StsCliError`: see `EtcdTransport`. */
export interface EtcdClient {
  readPrefix(options: RangeOptions): Promise<EtcdPage>
  readKey(key: string): Promise<EtcdPage>
  /** All of the writes or none. No key twice. */
  commit(writes: readonly EtcdWrite[]): Promise<void>
  /** @returns The lease's id. */
  grantLease(ttlSeconds: number): Promise<string>
  /** Whether the endpoint answers for the whole cluster; one that lost its leader does not. The key must be one we may read. */
  ping(options: { endpoint: number; key: string }, signal: AbortSignal): Promise<void>
  /** All changes below a prefix, from a revision on, as one endpoint sees them; ends only by an error or the signal. */
  watch(options: WatchOptions, signal: AbortSignal): AsyncGenerator<EtcdChanges | undefined>
  /** The endpoint that answered last. */
  readonly preferred: number
  preferNext(): void
  close(): Promise<void>
}

/** A client; nothing is sent before the first call. */
export function createEtcdClient(options: EtcdTransportOptions): EtcdClient {
  const transport = createEtcdTransport(options)
  return {
    async readPrefix({ prefix, afterKey, limit }) {
      const start = afterKey === undefined ? prefix : `${afterKey}\0`
      const range = { key: encode(start), range_end: encodePrefixEnd(prefix), limit }
      return readPage(await transport.ask('/v3/kv/range', range))
    },
    readKey: async (key) => readPage(await transport.ask('/v3/kv/range', { key: encode(key) })),
    async commit(writes) {
      await transport.ask('/v3/kv/txn', { success: writes.map(toOperation) })
    },
    async grantLease(ttlSeconds) {
      const answer = await transport.ask('/v3/lease/grant', { TTL: String(ttlSeconds) })
      const id = readString(answer, 'ID')
      if (id !== undefined) return id
      throw new StsCliError('etcd-lease-missing', 'etcd granted a lease without an id', {
        stage: 'serve',
      })
    },
    async ping({ endpoint, key }, signal) {
      // Not served from the member's own copy: it takes a leader to answer.
      const document = { key: encode(key), count_only: true }
      await transport.askOne(endpoint, { path: '/v3/kv/range', document, signal })
    },
    async *watch({ prefix, fromRevision, endpoint }, signal) {
      const create = {
        key: encode(prefix),
        range_end: encodePrefixEnd(prefix),
        start_revision: fromRevision,
        fragment: true,
      }
      const document = { create_request: create }
      for await (const { origin, ...line } of transport.follow(endpoint, {
        path: '/v3/watch',
        document,
        signal,
      }))
        yield readChanges(line, origin)
    },
    get preferred() {
      return transport.preferred
    },
    preferNext: () => transport.preferNext(),
    close: () => transport.close(),
  }
}

function toOperation({ key, value, lease }: EtcdWrite): object {
  if (value === undefined) return { request_delete_range: { key: encode(key) } }
  return { request_put: { key: encode(key), value: encode(value), lease } }
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64')
}

/** The first key that does not begin with the prefix (etcd's rule: its last byte plus one). Our prefixes end in `/`. */
function encodePrefixEnd(prefix: string): string {
  const bytes = Buffer.from(prefix)
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) + 1
  return bytes.toString('base64')
}
