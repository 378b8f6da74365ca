import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  compileWildcard,
  couldMatchPrefix,
  matchesWholePrefix,
  matchesWildcard,
} from '../../../src/server/policy/wildcard.ts'

/** The rule in its simplest form: slow, one character at a time. */
function doesMatch(pattern: readonly string[], text: readonly string[]): boolean {
  const [sign, ...rest] = pattern
  if (sign === undefined) return text.length === 0
  if (sign === '*')
    return doesMatch(rest, text) || (text.length > 0 && doesMatch(pattern, text.slice(1)))
  return text.length > 0 && (sign === '?' || sign === text[0]) && doesMatch(rest, text.slice(1))
}

const letters = ['a', 'b', '/', '😀', '*', '?']
const textOf = (alphabet: readonly string[], maxLength: number): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...alphabet), { maxLength }).map((characters) => characters.join(''))

describe('wildcard patterns', () => {
  it('a wildcard pattern matches what the simple rule matches', () => {
    fc.assert(
      fc.property(textOf(letters, 8), textOf(letters, 8), (pattern, text) => {
        expect(matchesWildcard(pattern, text)).toBe(doesMatch([...pattern], [...text]))
      }),
      { numRuns: 20_000 },
    )
  })

  it('a literal star or question mark in a pattern matches only itself', () => {
    const filled = fc.array(
      fc.record({ sign: fc.constantFrom(...letters), isText: fc.boolean() }),
      {
        maxLength: 6,
      },
    )
    fc.assert(
      fc.property(filled, textOf(letters, 6), (parts, text) => {
        let length = 0
        const literals = new Set<number>()
        for (const { sign, isText } of parts) {
          if (isText) literals.add(length)
          length += sign.length
        }
        const pattern = parts.map(({ sign }) => sign).join('')
        // The oracle replaces a literal sign by one from another alphabet, and also that sign in the text.
        const asOthers: Readonly<Record<string, string>> = { '*': 'STAR', '?': 'ONE' }
        const wanted = parts.map(({ sign, isText }) => (isText ? (asOthers[sign] ?? sign) : sign))
        const actual = [...text].map((sign) => asOthers[sign] ?? sign)
        expect(matchesWildcard({ text: pattern, literals }, text)).toBe(doesMatch(wanted, actual))
      }),
      { numRuns: 20_000 },
    )
  })

  it('a pattern with many stars against a long text terminates', () => {
    const text = 'a'.repeat(4000)
    expect(matchesWildcard(`${'*a'.repeat(200)}b`, text)).toBe(false)
    expect(matchesWildcard(`${'*a'.repeat(200)}*`, text)).toBe(true)
  })

  it('a pattern finds a run with question marks anywhere, within and across blocks of 32 characters', () => {
    const segment = fc.array(fc.constantFrom('a', 'b', '?', '😀'), { minLength: 1, maxLength: 80 })
    fc.assert(
      fc.property(
        segment,
        textOf(['a', 'b', '😀'], 60),
        textOf(['a', 'b'], 40),
        (signs, before, after) => {
          const middle = signs.map((sign) => (sign === '?' ? 'b' : sign)).join('')
          expect(matchesWildcard(`*${signs.join('')}*`, `${before}${middle}${after}`)).toBe(true)
        },
      ),
    )
  })

  it('a pattern with one run between two stars matches exactly the texts that contain the run', () => {
    const segment = fc.array(fc.constantFrom('a', 'b', '?'), { minLength: 1, maxLength: 70 })
    const nearly = fc.record({ segment, text: textOf(['a', 'b'], 150), changed: fc.nat(69) })
    fc.assert(
      fc.property(nearly, ({ segment: signs, text, changed }) => {
        // The text contains the run with one character changed, so that near misses are as frequent as hits.
        const miss = signs.map((sign, at) => (at === changed ? 'c' : sign === '?' ? 'a' : sign))
        const whole = `${text}${miss.join('')}${text}`
        const model = new RegExp(signs.join('').replaceAll('?', '.'), 'u')
        expect(matchesWildcard(`*${signs.join('')}*`, whole)).toBe(model.test(whole))
      }),
      { numRuns: 2000 },
    )
  })
})

describe('the cost of a comparison', () => {
  const stepsOf = (pattern: string, text: string): number => {
    const counter = { steps: 0 }
    matchesWildcard(pattern, text, counter)
    return counter.steps
  }
  const boundOf = (pattern: string, text: string): number => 2 * (pattern.length + text.length) + 4

  it.each<readonly [string, string, string]>([
    ['one long run that nearly matches', `*${'a'.repeat(1700)}b*`, 'a'.repeat(14_000)],
    ['a run that differs at its start', `*b${'a'.repeat(1700)}*`, 'a'.repeat(14_000)],
    ['a run that repeats itself', `*${'ab'.repeat(800)}c*`, 'ab'.repeat(7000)],
    ['many stars', `${'*a'.repeat(900)}*b*`, 'a'.repeat(14_000)],
    ['many stars and two letters', `${'*ab'.repeat(600)}*c`, 'aab'.repeat(4600)],
    ['a missing end', `*${'a'.repeat(1700)}b`, 'a'.repeat(14_000)],
    ['only stars', '*'.repeat(2000), 'a'.repeat(14_000)],
    ['stars and question marks', '*?'.repeat(1000), 'a'.repeat(14_000)],
    ['characters of two code units', `*${'😀'.repeat(800)}b*`, '😀'.repeat(7000)],
  ])('a comparison takes linear time for %s', (_what, pattern, text) => {
    expect(stepsOf(pattern, text)).toBeLessThanOrEqual(boundOf(pattern, text))
  })

  it('a comparison takes linear time for any pattern and text', () => {
    const repeated = (alphabet: readonly string[]): fc.Arbitrary<string> =>
      fc
        .tuple(textOf(alphabet, 6), fc.integer({ min: 0, max: 100 }), textOf(alphabet, 6))
        .map(([start, times, end]) => `${start.repeat(times)}${end}`)
    fc.assert(
      fc.property(repeated(['a', 'b', '*']), repeated(['a', 'b']), (pattern, text) => {
        expect(stepsOf(pattern, text)).toBeLessThanOrEqual(boundOf(pattern, text))
      }),
      { numRuns: 2000 },
    )
  })

  it('a run with a question mark costs the text’s length for each 32 characters of the run', () => {
    for (const length of [10, 32, 33, 320, 1600]) {
      const pattern = `*a?${'a'.repeat(length - 3)}b*`
      const text = 'a'.repeat(14_000)
      expect(stepsOf(pattern, text)).toBeLessThanOrEqual(
        text.length * Math.ceil(length / 32) + boundOf(pattern, ''),
      )
    }
  })
})

describe('patterns and a common prefix', () => {
  it.each<readonly [string, boolean, boolean]>([
    ['*', true, true],
    ['bucket/*', true, true],
    ['buck*', true, true],
    ['bucket/a*', true, false],
    ['bucket/a', true, false],
    ['bucket/?', true, false],
    ['??????/x', true, false],
    ['b*x', true, false],
    ['*x*', true, false],
    ['bucket', false, false],
    ['bucket/', false, false],
    ['bucket*', true, true],
    ['bucke/*', false, false],
    ['bucket2/*', false, false],
    ['a*', false, false],
  ])('the pattern %s could match in bucket/: %s, matches all of it: %s', (pattern, could, all) => {
    expect(couldMatchPrefix(compileWildcard(pattern), 'bucket/')).toBe(could)
    expect(matchesWholePrefix(compileWildcard(pattern), 'bucket/')).toBe(all)
  })

  it('the answers about a prefix hold for every text with that prefix', () => {
    const some = textOf(['a', '/', '*', '?'], 6)
    const key = textOf(['a', '/', 'b'], 5).filter((text) => text !== '')
    fc.assert(
      fc.property(some, textOf(['a', '/'], 3), key, (pattern, beginning, rest) => {
        const wildcard = compileWildcard(pattern)
        const isMatch = matchesWildcard(pattern, `${beginning}${rest}`)
        if (isMatch) expect(couldMatchPrefix(wildcard, beginning)).toBe(true)
        if (matchesWholePrefix(wildcard, beginning)) expect(isMatch).toBe(true)
      }),
      { numRuns: 5000 },
    )
  })
})
