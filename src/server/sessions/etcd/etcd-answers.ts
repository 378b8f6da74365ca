/** What etcd's JSON gateway sends, narrowed: bytes are base64, 64-bit numbers are strings, and what is zero or empty is left out. */
import { StsCliError } from '../../../base/errors.ts'
import { isObject, readNumber, readString, type JsonObject } from '../../../base/parse.ts'
import { toPrintable } from '../../../base/terminal/printable.ts'
import type { ServiceAnswer } from '../../../base/http/line-stream.ts'

/** A key with its value; a deleted one has none. */
export interface EtcdEntry {
  readonly key: string
  /** Bytes as latin1 would lose nothing, but all that is ours is UTF-8: undefined for a deleted key. */
  readonly value: Buffer | undefined
  /** Of the lease it goes with; `0` for none. */
  readonly lease: string
}

export interface EtcdPage {
  readonly entries: readonly EtcdEntry[]
  readonly hasMore: boolean
  /** The revision of the whole store at which this was true. */
  readonly revision: string
}

export interface EtcdChanges {
  readonly changes: readonly EtcdEntry[]
  readonly revision: string
}

/** gRPC's numbers of the failures that another member, or a later moment, may not share. */
const passingCodes: ReadonlySet<number> = new Set([4, 8, 13, 14])

/**
 * The answer's document.
 *
 * @throws {StsCliError} `ERR_UNAVAILABLE` for what may pass, `ERR_REFUSED` (with gRPC's number as `serverCode`) for what will not,
 *   `ERR_PROTOCOL` for an answer that is not etcd's.
 */
export function readAnswer({ status, body }: ServiceAnswer, origin: string): JsonObject {
  if (isObject(body) && status === 200 && isObject(body['header'])) return body
  const code = isObject(body) ? readNumber(body, 'code') : undefined
  if (!isObject(body) || code === undefined) {
    throw new StsCliError('etcd-answer-invalid', `${origin} does not answer as etcd does`, {
      stage: 'serve',
      httpStatus: status,
    })
  }
  const words = toPrintable(readString(body, 'message') ?? readString(body, 'error') ?? '', 200)
  const isPassing = passingCodes.has(code) || /leader|timed out/.test(words)
  throw new StsCliError(
    isPassing ? 'etcd-unavailable' : 'etcd-refused',
    isPassing ? `etcd at ${origin} cannot answer now` : 'etcd refused',
    {
      stage: 'serve',
      httpStatus: status,
      serverCode: String(code),
      serverMessage: words,
    },
  )
}

/** A page of a range. */
export function readPage(document: JsonObject): EtcdPage {
  const { kvs } = document
  return {
    entries: Array.isArray(kvs) ? kvs.filter(isObject).map((kv) => readEntry(kv, true)) : [],
    hasMore: document['more'] === true,
    revision: readRevision(document),
  }
}

/**
 * One message of a watch; undefined for one that only says that the watch stands.
 *
 * @throws {StsCliError} as `readAnswer`, and `ERR_DATA` when the revision to go on from is no longer kept.
 */
export function readChanges(line: ServiceAnswer, origin: string): EtcdChanges | undefined {
  const result = isObject(line.body) ? line.body['result'] : undefined
  const error = isObject(line.body) ? line.body['error'] : undefined
  // A watch's error comes in a shape of its own: `{"error":{"grpc_code":…,"message":…}}`.
  const body = isObject(error) ? { ...error, code: error['grpc_code'] ?? error['code'] } : result
  const document = readAnswer({ ...line, body }, origin)
  if (document['canceled'] === true) {
    throw new StsCliError(
      'etcd-changes-lost',
      'etcd no longer keeps the changes since the last one seen',
      {
        stage: 'serve',
      },
    )
  }
  const { events } = document
  if (!Array.isArray(events)) return undefined
  return {
    revision: readRevision(document),
    changes: events.filter(isObject).flatMap((event) => {
      const { kv, type } = event
      return isObject(kv) ? [readEntry(kv, type !== 'DELETE')] : []
    }),
  }
}

function readEntry(kv: JsonObject, hasValue: boolean): EtcdEntry {
  return {
    key: Buffer.from(readString(kv, 'key') ?? '', 'base64').toString('utf8'),
    value: hasValue ? Buffer.from(readString(kv, 'value') ?? '', 'base64') : undefined,
    lease: readString(kv, 'lease') ?? '0',
  }
}

function readRevision(document: JsonObject): string {
  const { header } = document
  return (isObject(header) ? readString(header, 'revision') : undefined) ?? '0'
}
