/** The embedded store reads every parameter of every recorded request of today’s S3 clients. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import type { HttpRequest } from '../../src/server/http/http-message.ts'
import { readAddress } from '../../src/server/s3/request/address.ts'
import { takeHoistedHeaders } from '../../src/server/s3/request/hoisted-headers.ts'
import type { ObjectStore } from '../../src/server/s3/request/object-store.ts'
import { createStoreBackend } from '../../src/server/s3/store/store-backend.ts'
import { requireStandardValues } from '../../src/server/s3/store/standard-headers.ts'
import { makeHttpRequest } from '../support/server/make-request.ts'

interface Recorded {
  readonly client: string
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}

const recorded = readFileSync(new URL('../vectors/s3-clients.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Recorded)

function toRequest({ method, path, headers }: Recorded): HttpRequest {
  const [rawPath = '', rawQuery = ''] = path.split('?')
  const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const)
  return makeHttpRequest({ method, rawPath, rawQuery, headers: new Map(lower) })
}

it.each(recorded.map((each) => [each.client, each.method, each.path, each] as const))(
  'the embedded store reads every parameter of the %s request %s %s',
  (_client, method, _path, each) => {
    const backend = createStoreBackend({} as ObjectStore)
    const { request, query } = takeHoistedHeaders(toRequest(each))
    const address = readAddress(request, [])
    const level = address.bucket === '' ? 'service' : address.key === '' ? 'bucket' : 'object'
    expect(() => {
      backend.findOperation(method, address, query, request.headers)
      requireStandardValues(request.headers, level)
    }).not.toThrow()
  },
)
