/** The conformance table against any S3 that the environment names. The rows' buckets stay there. */
import { describe, expect, it } from 'vitest'
import { readEndpoint } from './read-endpoint.ts'
import { runTable } from './run-table.ts'

describe('the address of another S3', () => {
  it('an address without keys is refused, so that no row passes for want of them', () => {
    expect(() => readEndpoint({ S3_CONFORMANCE_URL: 'http://127.0.0.1:9000' })).toThrow(
      'S3_CONFORMANCE_ACCESS_KEY is not set',
    )
    expect(readEndpoint({})).toBeUndefined()
  })
})

const named = [readEndpoint(process.env)].filter((endpoint) => endpoint !== undefined)
describe.each(named)('S3 at $url.host', (endpoint) => {
  runTable(() => endpoint, { print: (line) => process.stderr.write(`${line}\n`) })
})
