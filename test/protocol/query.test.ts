import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseQuery } from '../../src/protocol/query.ts'
import { canonicalizeQuery, encodeRfc3986 } from '../../src/protocol/sigv4/canonical-request.ts'

describe('a query', () => {
  it('has its parameters in order, decoded, the first of a name counting', () => {
    const query = parseQuery('a=1&b=x%20y+z&a=2&location&&=v&c=d=e')
    expect(query.pairs).toEqual([
      ['a', '1'],
      ['b', 'x y z'],
      ['a', '2'],
      ['location', ''],
      ['', 'v'],
      ['c', 'd=e'],
    ])
    expect(query.get('a')).toBe('1')
    expect(query.get('location')).toBe('')
    expect([query.get('none'), query.has('none'), query.has('location')]).toEqual([
      undefined,
      false,
      true,
    ])
  })

  it('keeps a leading question mark and a malformed escape as they were sent, and says so', () => {
    expect(parseQuery('?tagging=%zz&b=%ff').pairs).toEqual([
      ['?tagging', '%zz'],
      ['b', '%ff'],
    ])
    expect(parseQuery('a=%zz').isWellFormed).toBe(false)
    expect(parseQuery('%C3&%A9').isWellFormed).toBe(false)
    expect(parseQuery('a=%C3%A9').isWellFormed).toBe(true)
    expect(parseQuery('').isWellFormed).toBe(true)
  })

  it('has nothing of an object’s own names', () => {
    expect(parseQuery('a=1').get('constructor')).toBeUndefined()
    expect(parseQuery('__proto__=1').get('__proto__')).toBe('1')
  })

  it('is read as a signature covers it, whatever its bytes', () => {
    const byte = fc.constantFrom(
      ...'abX-=&%?+;/ 0',
      '%20',
      '%2B',
      '%3D',
      '%26',
      '%C3%A9',
      '%zz',
      '%ff',
    )
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 30 }), (bytes) => {
        const raw = bytes.join('')
        const written = parseQuery(raw).pairs.map((pair) => pair.map(encodeRfc3986).join('='))
        expect(canonicalizeQuery(raw).split('&').toSorted()).toEqual(
          (written.length === 0 ? [''] : written).toSorted(),
        )
      }),
    )
  })
})
