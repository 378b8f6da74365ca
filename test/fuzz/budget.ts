/** The duration and the seed of each fuzz test. */
import fc from 'fast-check'
import { expect } from 'vitest'

/** The seed is the same for all files of a run; `.config/vitest.fuzz.mjs` chooses it. */
const seed = Number(process.env['FUZZ_SEED'] ?? 1)
const totalSeconds = Number(process.env['FUZZ_SECONDS'] ?? 60)
/** Every test tries at least this many inputs, however slow the machine is. */
const minRuns = 20

process.stdout.write(`fuzz: FUZZ_SEED=${seed} FUZZ_SECONDS=${totalSeconds}\n`)

/**
 * Tries inputs until the test's share of the time is used up, and prints how many there were.
 *
 * @param timeShare The test's share of the total time; the shares of all fuzz tests add up to at most 1.
 * @throws the error of `fc.assert` for a failing input: the smallest one found, with its seed and path.
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
  // A run that is interrupted at the end of its time has found nothing.
  const more = {
    numRuns: 10_000_000,
    interruptAfterTimeLimit: leftMs,
    markInterruptAsFailure: false,
  }
  await fc.assert(property, { seed: seed + 1, ...more })
  process.stdout.write(`fuzz: ${tried} inputs: ${expect.getState().currentTestName ?? ''}\n`)
}

/** Returns mostly one of the words, and sometimes a value of the other kind. */
export function mostly<Value>(
  words: readonly Value[],
  other: fc.Arbitrary<Value>,
): fc.Arbitrary<Value> {
  return fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...words) },
    { weight: 1, arbitrary: other },
  )
}

/** Any bytes as Latin-1 text, which is how bytes are in a request head. */
export const byteText = (maxLength: number): fc.Arbitrary<string> =>
  fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes).toString('latin1'))

/** A number from 0 to below 1, uniform: fast-check's own floating-point numbers are nearly always near 0. */
export const share: fc.Arbitrary<number> = fc
  .noBias(fc.integer({ min: 0, max: 99_999 }))
  .map((part) => part / 100_000)

/** One change to a text, at a position that is a share of its length. */
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

/** Applies the change. */
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
