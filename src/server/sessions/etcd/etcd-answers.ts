/** Reads answers of etcd's JSON gateway, where bytes are base64, 64-bit numbers are strings, and zero or empty values are left out. */
import { StsCliError } from '../../../base/errors.ts'
import { isObject, readNumber, readString, type JsonObject } from '../../../base/parse.ts'
import { toPrintable } from '../../../base/terminal/printable.ts'
import type { ServiceAnswer } from '../../../base/http/line-stream.ts'

/** A key with its value; a deleted key has none. */
export interface EtcdEntry {
  readonly key: string
  /** Undefined for a deleted key. */
  readonly value: Buffer | undefined
  /** The id of its lease; `0` for none. */
  readonly lease: string
}

export interface EtcdPage {
  readonly entries: readonly EtcdEntry[]
  readonly hasMore: boolean
  /** The revision of the store that was read. */
  readonly revision: string
}

export interface EtcdChanges {
  readonly changes: readonly EtcdEntry[]
  readonly revision: string
}

/** gRPC codes of failures that are temporary, or specific to one member. */
const temporaryCodes: ReadonlySet<number> = new Set([4, 8, 13, 14])

/**
 * Returns the document of an answer.
 *
 * @throws {StsCliError} `ERR_UNAVAILABLE` for a temporary failure, `ERR_REFUSED` (with the gRPC code as `serverCode`) for a permanent one,
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
  const isTemporary = temporaryCodes.has(code) || /leader|timed out/.test(words)
  throw new StsCliError(
    isTemporary ? 'etcd-unavailable' : 'etcd-refused',
    isTemporary ? `etcd at ${origin} cannot answer now` : 'etcd refused',
    {
      stage: 'serve',
      httpStatus: status,
      serverCode: String(code),
      serverMessage: words,
    },
  )
}

/** Reads a page of a range. */
export function readPage(document: JsonObject): EtcdPage {
  const { kvs } = document
  return {
    entries: Array.isArray(kvs) ? kvs.filter(isObject).map((kv) => readEntry(kv, true)) : [],
    hasMore: document['more'] === true,
    revision: readRevision(document),
  }
}

/**
 * Reads a message of a watch; undefined for one without events, such as that the watch was created.
 *
 * @throws {StsCliError} As `readAnswer`, and `ERR_DATA` if the revision to continue from was compacted.
 */
export function readChanges(line: ServiceAnswer, origin: string): EtcdChanges | undefined {
  const result = isObject(line.body) ? line.body['result'] : undefined
  const error = isObject(line.body) ? line.body['error'] : undefined
  // An error of a watch has a form of its own: `{"error":{"grpc_code":…,"message":…}}`.
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
