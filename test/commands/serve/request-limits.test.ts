import { describe, expect, it } from 'vitest'
import { readRequestLimits } from '../../../src/commands/serve/request-limits.ts'
import type { Io } from '../../../src/base/io.ts'

const read = (env: Readonly<Record<string, string>>) => readRequestLimits({ env } as unknown as Io)

describe('MINIO_API_REQUESTS_MAX and _DEADLINE', () => {
  it('bound the requests that are worked on and the wait of others', () => {
    const env = { MINIO_API_REQUESTS_MAX: '100', MINIO_API_REQUESTS_DEADLINE: '1m' }
    expect(read(env)).toEqual({ maxRunning: 100, maxWaitMs: 60_000 })
  })

  it('leave it to the server where they are not set, or zero as at MinIO', () => {
    const unset = { maxRunning: undefined, maxWaitMs: undefined }
    expect(read({})).toEqual(unset)
    expect(read({ MINIO_API_REQUESTS_MAX: '0', MINIO_API_REQUESTS_DEADLINE: '' })).toEqual(unset)
  })

  it.each([
    ['MINIO_API_REQUESTS_MAX', 'many'],
    ['MINIO_API_REQUESTS_MAX', '-1'],
    ['MINIO_API_REQUESTS_MAX', '1e3'],
    ['MINIO_API_REQUESTS_MAX', '999999'],
    ['MINIO_API_REQUESTS_DEADLINE', 'soon'],
    ['MINIO_API_REQUESTS_DEADLINE', '0s'],
    ['MINIO_API_REQUESTS_DEADLINE', '1h'],
  ])('%s=%s is refused by its name', (name, value) => {
    expect(() => read({ [name]: value })).toThrow(`${name} "${value}" is not`)
  })
})
