import { describe, expect, it } from 'vitest'
import { readRequestLimits } from '../../../src/commands/serve/request-limits.ts'
import type { Io } from '../../../src/base/io.ts'

const read = (env: Readonly<Record<string, string>>) => readRequestLimits({ env } as unknown as Io)

describe('MINIO_API_REQUESTS_MAX and _DEADLINE', () => {
  it('MINIO_API_REQUESTS_MAX and _DEADLINE limit the running requests and the wait of others', () => {
    const env = { MINIO_API_REQUESTS_MAX: '100', MINIO_API_REQUESTS_DEADLINE: '1m' }
    expect(read(env)).toEqual({ maxRunning: 100, maxWaitMs: 60_000 })
  })

  it('serve applies its defaults when the request limits are unset, empty or zero, like MinIO', () => {
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
  ])('%s=%s is refused with an error that names the variable', (name, value) => {
    expect(() => read({ [name]: value })).toThrow(`${name} "${value}" is not`)
  })
})
