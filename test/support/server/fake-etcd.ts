/** A scripted etcd: the part of its JSON gateway that sessions use, in memory, with faults on demand. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isObject, parseJsonObject, readString, type JsonObject } from '../../../src/base/parse.ts'

interface Entry {
  readonly value: string
  readonly lease: string
}

interface Event {
  readonly revision: number
  readonly key: string
  /** Undefined if the key was deleted. */
  readonly entry: Entry | undefined
}

export interface FakeEtcd {
  readonly url: string
  /** All its entries, with their text. */
  readonly entries: ReadonlyMap<string, Entry>
  /** Lease ID → granted seconds. */
  readonly leases: ReadonlyMap<string, number>
  /** Paths of the requests so far. */
  readonly calls: string[]
  put(key: string, value: string | Buffer, lease?: string): void
  delete(key: string): void
  /** Forgets all tokens, as after a restart. */
  forgetTokens(): void
  /** Expires a lease, with its entries. */
  expireLease(id: string): void
  /** Closes all watches. */
  cutWatches(): void
  /** Forgets the history: earlier watches are cancelled. */
  compact(): void
  /** Sets the answer to all further requests: this one, or none; undefined for the usual ones. */
  behave(as: Behaviour | undefined): void
  stop(): Promise<void>
}

export type Behaviour =
  | 'silent'
  | { readonly status: number; readonly body: string; readonly paths?: RegExp }

/** Starts a fake etcd on a free port. @param user If given, every call needs a token of that user. */
export async function startFakeEtcd(user?: { name: string; password: string }): Promise<FakeEtcd> {
  const entries = new Map<string, Entry>()
  const leases = new Map<string, number>()
  const history: Event[] = []
  const watches = new Set<{ send: (event: Event) => void; end: () => void }>()
  const calls: string[] = []
  let revision = 1
  let compactedAt = 0
  let behaviour: Behaviour | undefined
  let token = 'token-1'

  const change = (key: string, entry: Entry | undefined): void => {
    if (entry === undefined && !entries.has(key)) return
    if (entry === undefined) entries.delete(key)
    else entries.set(key, entry)
    const event = { revision, key, entry }
    history.push(event)
    for (const { send } of watches) send(event)
  }
  const header = (): object => ({ cluster_id: '1', member_id: '2', revision: String(revision) })

  const answers: Readonly<Record<string, (document: JsonObject) => object>> = {
    '/v3/kv/range'(document) {
      const start = decode(document, 'key')
      const end =
        readString(document, 'range_end') === undefined ? undefined : decode(document, 'range_end')
      const found = [...entries]
        .filter(([key]) => (end === undefined ? key === start : key >= start && key < end))
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
      const limit = typeof document['limit'] === 'number' ? document['limit'] : found.length
      const kvs = found.slice(0, limit).map(([key, entry]) => toKv(key, entry))
      return {
        header: header(),
        ...(kvs.length === 0 ? {} : { kvs }),
        ...(found.length > limit ? { more: true } : {}),
      }
    },
    '/v3/kv/txn'(document) {
      const operations = Array.isArray(document['success'])
        ? document['success'].filter(isObject)
        : []
      const puts = operations.map((each) => each['request_put']).filter(isObject)
      const deletes = operations.map((each) => each['request_delete_range']).filter(isObject)
      const keys = [...puts, ...deletes].map((each) => decode(each, 'key'))
      if (new Set(keys).size < keys.length)
        throw new Refusal(400, 3, 'etcdserver: duplicate key given in txn request')
      for (const put of puts) {
        const lease = readString(put, 'lease') ?? '0'
        if (lease !== '0' && !leases.has(lease))
          throw new Refusal(404, 5, 'etcdserver: requested lease not found')
      }
      revision += 1
      for (const put of puts)
        change(decode(put, 'key'), {
          value: Buffer.from(readString(put, 'value') ?? '', 'base64').toString('latin1'),
          lease: readString(put, 'lease') ?? '0',
        })
      for (const each of deletes) change(decode(each, 'key'), undefined)
      return { header: header(), succeeded: true }
    },
    '/v3/lease/grant'(document) {
      const id = String(7_000_000_000_000_000_000n + BigInt(leases.size))
      leases.set(id, Number(readString(document, 'TTL')))
      return { header: header(), ID: id, TTL: readString(document, 'TTL') }
    },
    '/v3/auth/authenticate'(document) {
      if (document['name'] !== user?.name || document['password'] !== user?.password)
        throw new Refusal(400, 3, 'etcdserver: authentication failed, invalid user ID or password')
      return { header: header(), token }
    },
  }

  const watch = (document: JsonObject, response: ServerResponse): void => {
    const create = isObject(document['create_request']) ? document['create_request'] : {}
    const [start, end] = [decode(create, 'key'), decode(create, 'range_end')]
    const from = Number(readString(create, 'start_revision'))
    const write = (result: object): void => {
      response.write(`${JSON.stringify({ result: { header: header(), ...result } })}\n`)
    }
    const send = ({ key, entry }: Event): void => {
      if (key < start || key >= end) return
      const kv = toKv(key, entry)
      write({ events: [entry === undefined ? { type: 'DELETE', kv } : { kv }] })
    }
    response.writeHead(200, { 'content-type': 'application/json' })
    if (from <= compactedAt) {
      write({ created: true })
      write({ canceled: true, compact_revision: String(compactedAt) })
      response.end()
      return
    }
    const self = { send, end: () => response.end() }
    watches.add(self)
    response.on('close', () => watches.delete(self))
    write({ created: true })
    for (const event of history) if (event.revision >= from) send(event)
  }

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const path = request.url ?? ''
    calls.push(path)
    if (behaviour === 'silent') return
    if (behaviour !== undefined && (behaviour.paths ?? /./).test(path)) {
      response.writeHead(behaviour.status).end(behaviour.body)
      return
    }
    try {
      if (
        user !== undefined &&
        !path.startsWith('/v3/auth') &&
        request.headers.authorization !== token
      )
        throw new Refusal(401, 16, 'etcdserver: invalid auth token')
      const document = parseJsonObject(Buffer.concat(chunks).toString('utf8')) ?? {}
      if (path === '/v3/watch') watch(document, response)
      else response.end(JSON.stringify(answers[path]?.(document)))
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      const { message, code } = error
      response.writeHead(error.status).end(JSON.stringify({ error: message, message, code }))
    }
  }
  const server = createServer((request, response) => void handle(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    entries,
    leases,
    calls,
    put(key, value, lease = '0') {
      revision += 1
      change(key, { value: Buffer.from(value).toString('latin1'), lease })
    },
    delete(key) {
      revision += 1
      change(key, undefined)
    },
    forgetTokens() {
      token = `${token}+`
    },
    expireLease(id) {
      leases.delete(id)
      revision += 1
      for (const [key, entry] of entries) if (entry.lease === id) change(key, undefined)
    },
    cutWatches() {
      for (const { end } of watches) end()
    },
    compact() {
      compactedAt = revision
      history.length = 0
    },
    behave(as) {
      behaviour = as
      if (as !== undefined) for (const { end } of watches) end()
    },
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

class Refusal extends Error {
  readonly status: number
  readonly code: number
  constructor(status: number, code: number, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

function toKv(key: string, entry: Entry | undefined): object {
  return {
    key: Buffer.from(key).toString('base64'),
    mod_revision: '1',
    ...(entry === undefined
      ? {}
      : {
          value: Buffer.from(entry.value, 'latin1').toString('base64'),
          ...(entry.lease === '0' ? {} : { lease: entry.lease }),
        }),
  }
}

function decode(document: JsonObject, name: string): string {
  return Buffer.from(readString(document, name) ?? '', 'base64').toString('utf8')
}
