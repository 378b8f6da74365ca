import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findCorsRule, type CorsRule } from '../../../src/server/http/cors-rules.ts'

const base: CorsRule = {
  allowedOrigins: ['*'],
  allowedMethods: ['PUT'],
  allowedHeaders: [],
  exposeHeaders: [],
}

describe('the rule that decides about a page', () => {
  it('is the first whose patterns fit the origin and every header, as a regular expression says', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '-'), maxLength: 4 })
    const pattern = fc.oneof(
      text,
      fc.tuple(text, text).map(([left, right]) => `${left}*${right}`),
    )
    const patterns = fc.array(pattern, { maxLength: 4 })
    const rule = fc.record({ allowedOrigins: patterns, allowedHeaders: patterns })
    const fits = (list: readonly string[], value: string): boolean =>
      list.some((one) => new RegExp(`^${one.replace('*', '.*')}$`).test(value))
    fc.assert(
      fc.property(
        fc.array(rule, { maxLength: 3 }),
        text,
        fc.array(text, { maxLength: 3 }),
        (lists, origin, headers) => {
          const rules = lists.map((list) => ({ ...base, ...list }))
          const expected = rules.find(
            ({ allowedOrigins, allowedHeaders }) =>
              fits(allowedOrigins, origin) && headers.every((name) => fits(allowedHeaders, name)),
          )
          for (const _ of [1, 2])
            expect(findCorsRule(rules, { origin, method: 'PUT', headers })).toBe(expected)
        },
      ),
    )
  })

  it('reads its patterns once, however many headers and preflights ask', () => {
    let reads = 0
    const rule: CorsRule = {
      ...base,
      get allowedHeaders() {
        reads += 1
        return ['X-*']
      },
    }
    const headers = Array.from({ length: 100 }, (_, index) => `x-${index}`)
    for (const _ of [1, 2, 3])
      expect(findCorsRule([rule], { origin: 'https://a', method: 'PUT', headers })).toBe(rule)
    expect(reads).toBe(1)
  })
})
