import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  allowOrigins,
  compileStars,
  readOrigin,
  readOriginPattern,
} from '../../../src/server/http/cors-origins.ts'

describe('origins whose pages may read answers', () => {
  it.each([
    ['https://app.example', 'https://app.example', true],
    ['https://app.example', 'http://app.example', false],
    ['https://app.example', 'https://app.example.evil.test', false],
    ['https://app.example', 'https://app.example:8443', false],
    ['https://*.example', 'https://a.b.example', true],
    ['https://*.example', 'https://.example', true],
    ['https://*.example', 'https://example', false],
    ['http://localhost:*', 'http://localhost:5173', true],
    ['http://localhost:*', 'http://localhost', false],
    ['*', 'null', true],
    ['*', 'app://anything', true],
    ['https://a*b*a', 'https://aba', true],
    ['https://aba*aba', 'https://aba', false],
  ])('the pattern %s of the origin %s: %s', (pattern, origin, isAllowed) => {
    expect(allowOrigins([pattern])(origin)).toBe(isAllowed)
  })

  it('without a list every origin is allowed, and with an empty one none', () => {
    expect(allowOrigins(undefined)('https://any.example')).toBe(true)
    expect(allowOrigins([])('https://any.example')).toBe(false)
  })

  it('a pattern matches exactly what a regular expression with .* for each star matches', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '*', '.'), maxLength: 12 })
    fc.assert(
      fc.property(text, text, (pattern, value) => {
        const source = pattern
          .split('*')
          .map((piece) => piece.replaceAll('.', '\\.'))
          .join('.*')
        expect(compileStars(pattern)(value)).toBe(new RegExp(`^(?:${source})$`).test(value))
      }),
      { numRuns: 2000 },
    )
  })

  it.each([
    ['HTTPS://App.Example', 'https://app.example'],
    ['https://app.example:443', 'https://app.example'],
    ['http://app.example:80', 'http://app.example'],
    ['http://[::1]:8080', 'http://[::1]:8080'],
    ['capacitor://localhost', 'capacitor://localhost'],
    ['chrome-extension://abcdef', 'chrome-extension://abcdef'],
    ['null', 'null'],
    ['*', '*'],
    ['*.example.com', '*.example.com'],
    ['https://*', 'https://*'],
  ])('the origin %s is read as %s', (text, origin) => {
    expect(readOriginPattern(text)).toBe(origin)
  })

  it.each([
    '',
    'app.example',
    'https://app.example/',
    'https://app.example/path',
    'https://*.example/',
    'https://user@app.example',
    'https://a.example,https://b.example',
    'https://a b',
    'https://',
    'https://a.example?x',
  ])('%j is not an origin that a browser can have', (text) => {
    expect(readOriginPattern(text)).toBeUndefined()
  })

  it.each([
    'https://a.example, https://b.example',
    'https://a/b',
    'x',
    '',
    `https://${'a'.repeat(600)}`,
  ])('an Origin header of %j is no origin', (value) => {
    expect(readOrigin(new Map([['origin', value]]))).toBeUndefined()
  })
})
