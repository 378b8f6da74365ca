import { describe, expect, it } from 'vitest'
import type { Io } from '../../../src/base/io.ts'
import { readCorsOrigins } from '../../../src/commands/serve/cors-origins.ts'
import type { Settings } from '../../../src/commands/options/settings.ts'

const name = 'MINIO_API_CORS_ALLOW_ORIGIN'

function read(flags: readonly string[], text?: string): readonly string[] | undefined {
  const settings = { list: () => flags } as unknown as Settings
  return readCorsOrigins(settings, { env: { [name]: text } } as unknown as Io)
}

describe('--cors-origin and MINIO_API_CORS_ALLOW_ORIGIN', () => {
  it('pages of every origin may read answers when nothing is set', () => {
    expect(read([])).toBeUndefined()
    expect(read([], '')).toBeUndefined()
  })

  it('the variable has commas between its origins, as MinIO’s, and the flag replaces it', () => {
    const variable = 'https://a.example, HTTPS://B.example:443,https://*.c.example'
    expect(read([], variable)).toEqual([
      'https://a.example',
      'https://b.example',
      'https://*.c.example',
    ])
    expect(read(['http://localhost:*'], variable)).toEqual(['http://localhost:*'])
  })

  it.each(['https://a.example/', 'a.example', 'https://a.example,', 'https://a.example/x'])(
    'what no browser sends as its origin is refused by name: %s',
    (text) => {
      expect(() => read([text])).toThrow(`--cors-origin "${text}" is not an origin`)
      expect(() => read([], text)).toThrow(`${name} has "`)
    },
  )
})
