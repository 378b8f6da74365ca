/**
 * Parses flags as Go's `flag` package does, in GNU spelling too: `-cid v`, `-cid=v`, `--cid v`, `--client-id=v`. One dash and two mean the
 * same, a value may begin with a dash, the last of two wins, `--` ends the flags. No bundling, no abbreviations.
 */
import { StsCliError } from '../../base/errors.ts'
import type { OptionSpec } from './option-spec.ts'

/** The value of a flag: `true` or `false` for booleans, every value for lists. */
export type FlagValue = string | boolean | readonly string[]

export interface ParsedArgv {
  /** Long name → value. */
  readonly flags: ReadonlyMap<string, FlagValue>
  readonly operands: readonly string[]
  /** After `--`; undefined when there was none. */
  readonly command: readonly string[] | undefined
  /** The flags that the command knows, by long name, with their variables and defaults. */
  readonly specs: ReadonlyMap<string, OptionSpec>
  /** The chosen profile's settings, by long name; undefined where there is no configuration. */
  readonly profile?: ReadonlyMap<string, { readonly value: FlagValue }> | undefined
  /** The names of the profiles in the configuration; undefined where there is none, or the command does not read it. */
  readonly configuredProfiles?: readonly string[] | undefined
}

export interface ParseOptions {
  /** True when flags end at the first operand, as in Go; commands go on. */
  readonly isStoppingAtOperand: boolean
}

/** Parses the words after the command. @throws {StsCliError} `ERR_USAGE` in Go's words, with the nearest flag as the hint. */
export function parseArgv(
  argv: readonly string[],
  specs: readonly OptionSpec[],
  { isStoppingAtOperand }: ParseOptions,
): ParsedArgv {
  const names = new Map(
    specs.flatMap((spec) => [spec.name, ...spec.aliases].map((name) => [name, spec] as const)),
  )
  const flags = new Map<string, FlagValue>()
  const operands: string[] = []
  const parsed: ParsedArgv = {
    flags,
    operands,
    command: undefined,
    specs: new Map(specs.map((spec) => [spec.name, spec])),
  }
  for (let i = 0; i < argv.length; i += 1) {
    const word = argv[i] ?? ''
    if (word === '--') return { ...parsed, command: argv.slice(i + 1) }
    if (word.length < 2 || !word.startsWith('-')) {
      if (isStoppingAtOperand) return { ...parsed, operands: argv.slice(i) }
      operands.push(word)
      continue
    }
    const { name, attached } = splitFlag(word)
    const spec = names.get(name)
    if (spec === undefined) throw unknownFlagError(name, names)
    if (spec.kind === 'boolean') {
      flags.set(spec.name, readBoolean(name, attached))
      continue
    }
    const text = attached ?? argv[(i += 1)]
    if (text === undefined)
      throw new StsCliError('flag-value-missing', `flag needs an argument: -${name}`)
    const earlier = flags.get(spec.name)
    flags.set(
      spec.name,
      spec.kind === 'list'
        ? [...(Array.isArray(earlier) ? (earlier as readonly string[]) : []), text]
        : text,
    )
  }
  return parsed
}

function splitFlag(word: string): { name: string; attached: string | undefined } {
  const body = word.replace(/^--?/, '')
  if (body === '' || body.startsWith('-') || body.startsWith('='))
    throw new StsCliError('flag-syntax-invalid', `bad flag syntax: ${word}`)
  const at = body.indexOf('=')
  return at === -1
    ? { name: body, attached: undefined }
    : { name: body.slice(0, at), attached: body.slice(at + 1) }
}

function readBoolean(name: string, attached: string | undefined): boolean {
  if (attached === undefined || /^(1|t|true)$/i.test(attached)) return true
  if (/^(0|f|false)$/i.test(attached)) return false
  throw new StsCliError(
    'boolean-invalid',
    `invalid boolean value for -${name}: use -${name}=true or -${name}=false`,
  )
}

function unknownFlagError(name: string, names: ReadonlyMap<string, OptionSpec>): StsCliError {
  const nearest = findNearest(name, [...names.keys()])
  return new StsCliError('flag-unknown', `flag provided but not defined: -${name}`, {
    hint:
      nearest === undefined
        ? 'sts-cli --help lists the flags'
        : `did you mean ${nearest.length > 4 ? '--' : '-'}${nearest}?`,
  })
}

/** Returns the candidate with the smallest edit distance, when it is near enough to be meant. */
export function findNearest(word: string, candidates: readonly string[]): string | undefined {
  const ranked = candidates
    .filter((candidate) => candidate.length > 1)
    .map((candidate) => ({
      candidate,
      distance: editDistance(word.toLowerCase(), candidate.toLowerCase()),
    }))
    .toSorted((a, b) => a.distance - b.distance)
  const best = ranked[0]
  // Short words are all near each other.
  const furthest = word.length < 4 ? 1 : Math.max(2, Math.floor(word.length / 3))
  return best !== undefined && best.distance <= furthest ? best.candidate : undefined
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substitution))
    }
    row = next
  }
  return row[b.length] ?? 0
}
