/** How long each fuzz test may go on, and from which seed. */
import fc from 'fast-check'
import { expect } from 'vitest'

/** The same for all files of a run; `.config/vitest.fuzz.mjs` chooses it. */
const seed = Number(process.env['FUZZ_SEED'] ?? 1)
const totalSeconds = Number(process.env['FUZZ_SECONDS'] ?? 60)
/** No test ends before this many inputs, however slow the machine is. */
const minRuns = 20

process.stdout.write(`fuzz: FUZZ_SEED=${seed} FUZZ_SECONDS=${totalSeconds}\n`)

/**
 * Tries inputs until the test's share of the time is used up, and says how many there were.
 *
 * @param timeShare Of all the time there is; the shares of all fuzz tests together make at most 1.
 * @throws what `fc.assert` throws for an input that fails: the smallest one found, with its seed and path.
 */
export async function fuzz<Input>(
  timeShare: number,
  input: fc.Arbitrary<Input>,
  check: (input: Input) => Promise<void> | void,
): Promise<void> {
  let tried = 0
  const property = fc.asyncProperty(input, async (value) => {
    tried += 1
    await check(value)
  })
  const endsAtMs = Date.now() + timeShare * totalSeconds * 1000
  await fc.assert(property, { seed, numRuns: minRuns })
  const leftMs = Math.max(1, endsAtMs - Date.now())
  // Interrupted at the end of its time, it has found nothing.
  const more = {
    numRuns: 10_000_000,
    interruptAfterTimeLimit: leftMs,
    markInterruptAsFailure: false,
  }
  await fc.assert(property, { seed: seed + 1, ...more })
  process.stdout.write(`fuzz: ${tried} inputs: ${expect.getState().currentTestName ?? ''}\n`)
}

/** One of the words more often than anything else, now and then something of the other kind. */
export function mostly<Value>(
  words: readonly Value[],
  other: fc.Arbitrary<Value>,
): fc.Arbitrary<Value> {
  return fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...words) },
    { weight: 1, arbitrary: other },
  )
}

/** Any bytes as a text of Latin-1, which is how bytes stand in a head. */
export const byteText = (maxLength: number): fc.Arbitrary<string> =>
  fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes).toString('latin1'))

/** From 0 to below 1, all alike: numbers with a point come from near 0 nearly always. */
export const share: fc.Arbitrary<number> = fc
  .noBias(fc.integer({ min: 0, max: 99_999 }))
  .map((part) => part / 100_000)

/** One change to a text, at a place that is a share of its length. */
export interface Edit {
  readonly kind: 'replace' | 'insert' | 'delete' | 'swap' | 'case' | 'cut' | 'double'
  readonly at: number
  readonly text: string
}

export const edit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.constantFrom('replace', 'insert', 'delete', 'swap', 'case', 'cut', 'double'),
  at: share,
  text: mostly(
    [
      'a',
      'Z',
      '0',
      '/',
      '%',
      '&',
      '=',
      ';',
      ',',
      '+',
      ' ',
      '.',
      '<',
      '>',
      '"',
      '%2F',
      '%20',
      '*',
      '..',
      '//',
    ],
    fc.string({ minLength: 1, maxLength: 3, unit: 'binary-ascii' }),
  ),
})

/** Makes the change. */
export function applyEdit(text: string, { kind, at, text: piece }: Edit): string {
  const place = Math.floor(at * text.length)
  const [before, character, after] = [
    text.slice(0, place),
    text.slice(place, place + 1),
    text.slice(place + 1),
  ]
  switch (kind) {
    case 'replace':
      return before + piece + after
    case 'insert':
      return before + piece + character + after
    case 'delete':
      return before + after
    case 'swap':
      return before + after.slice(0, 1) + character + after.slice(1)
    case 'case':
      return (
        before +
        (character === character.toLowerCase()
          ? character.toUpperCase()
          : character.toLowerCase()) +
        after
      )
    case 'cut':
      return before
    case 'double':
      return text + text
  }
}
