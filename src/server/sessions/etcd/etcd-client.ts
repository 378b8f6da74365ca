/**
 * A client of etcd's JSON gateway (`/v3/…`, on the port of etcd's own clients): ranges, transactions, leases and watches. Every call ends
 * within its limit.
 */
import { StsCliError } from '../../../base/errors.ts'
import { readString } from '../../../base/parse.ts'
import { readChanges, readPage, type EtcdChanges, type EtcdPage } from './etcd-answers.ts'
import { createEtcdTransport, type EtcdTransportOptions } from './etcd-transport.ts'

/** A write, or a deletion if there is no value. */
export interface EtcdWrite {
  readonly key: string
  readonly value: string | undefined
  readonly lease: string
}

export interface RangeOptions {
  readonly prefix: string
  /** Start after this key instead of at the first key of the prefix. */
  readonly afterKey?: string | undefined
  readonly limit: number
}

export interface WatchOptions {
  readonly prefix: string
  readonly fromRevision: string
  readonly endpoint: number
}

/** Every method throws `StsCliError`; see `EtcdTransport`. */
export interface EtcdClient {
  readPrefix(options: RangeOptions): Promise<EtcdPage>
  readKey(key: string): Promise<EtcdPage>
  /** Writes all or none. No key may occur twice. */
  commit(writes: readonly EtcdWrite[]): Promise<void>
  /** Grants a lease. @returns Its id. */
  grantLease(ttlSeconds: number): Promise<string>
  /** Resolves if the endpoint answers for the whole cluster; a member without a leader does not. The user must be allowed to read the key. */
  ping(options: { endpoint: number; key: string }, signal: AbortSignal): Promise<void>
  /** Yields all changes below a prefix from a revision on, as one endpoint sees them; ends only by an error or the signal. */
  watch(options: WatchOptions, signal: AbortSignal): AsyncGenerator<EtcdChanges | undefined>
  /** The endpoint that answered last. */
  readonly preferred: number
  preferNext(): void
  close(): Promise<void>
}

/** Returns a client. It sends nothing before the first call. */
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
      // A linearizable read, which the member cannot answer without a leader.
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

/** Returns the end of a prefix's range, by etcd's rule: the last byte plus one. The prefixes here end in `/`. */
function encodePrefixEnd(prefix: string): string {
  const bytes = Buffer.from(prefix)
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) + 1
  return bytes.toString('base64')
}
