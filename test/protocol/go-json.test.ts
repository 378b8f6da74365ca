import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeGoCredentials } from '../../src/protocol/go-json.ts'

interface OutputVector {
  /** Access key, secret key, expiration, session token. */
  readonly fields: readonly [string, string, string, string]
  readonly go: string
}

const file = new URL('../vectors/go-full-example.json', import.meta.url)
const { output } = JSON.parse(readFileSync(file, 'utf8')) as { output: readonly OutputVector[] }

function encode(fields: OutputVector['fields']): string {
  const [accessKeyId, secretAccessKey, expirationText, sessionToken] = fields
  const expiration = new Date(expirationText)
  return encodeGoCredentials({
    accessKeyId,
    secretAccessKey,
    sessionToken,
    expiration,
    expirationText,
  })
}

describe('Go credentials JSON', () => {
  it('the vectors hold six outputs of the Go program', () => {
    expect(output).toHaveLength(6)
  })

  it.each(output)('the JSON has the same bytes as Go’s for $fields', ({ fields, go }) => {
    expect(`##### Credentials\n${encode(fields)}\n`).toBe(go)
  })

  it.each([
    ['2018-08-21T17:10:29.120000000Z', '2018-08-21T17:10:29.12Z'],
    ['2018-08-21T17:10:29.000Z', '2018-08-21T17:10:29Z'],
    ['2018-08-21T17:10:29-00:00', '2018-08-21T17:10:29Z'],
    ['2018-08-21T17:10:29+05:30', '2018-08-21T17:10:29+05:30'],
    ['some day', 'some day'],
  ])('the JSON has the time %s as %s', (written, expected) => {
    expect(JSON.parse(encode(['A', 's', written, 't']))).toMatchObject({ expiration: expected })
  })

  it('the JSON reads back with any texts in it', () => {
    const text = fc.string({ unit: 'binary', minLength: 1 })
    fc.assert(
      fc.property(text, text, text, (accessKey, secretKey, sessionToken) => {
        const document = encode([accessKey, secretKey, '2018-08-21T17:10:29Z', sessionToken])
        expect(JSON.parse(document)).toEqual({
          accessKey: accessKey.toWellFormed(),
          secretKey: secretKey.toWellFormed(),
          expiration: '2018-08-21T17:10:29Z',
          sessionToken: sessionToken.toWellFormed(),
        })
      }),
    )
  })
})
