import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matchesWildcard } from '../../../src/server/policy/wildcard.ts'

/** The rule in its plainest words, slow and by characters. */
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

describe('a wildcard pattern', () => {
  it('matches what the plain rule says it matches', () => {
    fc.assert(
      fc.property(textOf(letters, 8), textOf(letters, 8), (pattern, text) => {
        expect(matchesWildcard(pattern, text)).toBe(doesMatch([...pattern], [...text]))
      }),
      { numRuns: 20_000 },
    )
  })

  it('with literals matches as if those were letters that nobody wrote', () => {
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
        // In the oracle a literal sign is one of another alphabet, in the text too where it stands for itself.
        const asOthers: Readonly<Record<string, string>> = { '*': 'STAR', '?': 'ONE' }
        const wanted = parts.map(({ sign, isText }) => (isText ? (asOthers[sign] ?? sign) : sign))
        const actual = [...text].map((sign) => asOthers[sign] ?? sign)
        expect(matchesWildcard({ text: pattern, literals }, text)).toBe(doesMatch(wanted, actual))
      }),
      { numRuns: 20_000 },
    )
  })

  it('of many stars against a long text ends', () => {
    const text = 'a'.repeat(4000)
    expect(matchesWildcard(`${'*a'.repeat(200)}b`, text)).toBe(false)
    expect(matchesWildcard(`${'*a'.repeat(200)}*`, text)).toBe(true)
  })
})
