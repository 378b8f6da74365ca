/** Variables of the conformance table: `{name}` is what a step saved, `{md5:hello}` is computed. */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'

export type Variables = ReadonlyMap<string, string>

/**
 * Returns the text with its variables replaced. A name has small letters only, so that JSON needs no escapes; `${filename}` is not one.
 *
 * - `{bucket}`, `{region}`, `{host}`, `{accesskey}`, and what earlier steps saved;
 * - `{md5}`, `{sha1}`, `{sha256}`, `{crc32}` of the step's own body, in Base64;
 * - `{md5:x}`, `{sha1:x}`, `{sha256:x}`, `{crc32:x}` in Base64, `{md5hex:x}`, `{sha256hex:x}`;
 * - `{random:9}`: small letters and digits, new in each row but the same within a row;
 * - `{http:-1h}`, `{iso:+2d}`: a time from now; `{repeat:100:x}`; `{space}`, `{empty}` and `{cr}` for what the end of a line would lose.
 *
 * @throws {Error} for a name that nothing has set.
 */
export function fillIn(text: string, variables: Variables): string {
  // The innermost are replaced first, so that the argument of a function may have some.
  const filled = text.replaceAll(pattern, (whole, name: string, argument?: string) => {
    if (argument !== undefined) return compute(name, argument, variables)
    const value = variables.get(name)
    if (value === undefined) throw new Error(`nothing has set ${whole}`)
    return value
  })
  return filled === text ? text : fillIn(filled, variables)
}

const pattern = /(?<!\$)\{([a-z][a-z0-9]*)(?::([^{}]*))?\}/g

function compute(name: string, argument: string, variables: Variables): string {
  if (name === 'random') return randomLetters(variables.get('bucket') ?? '', Number(argument))
  const make = functions[name]
  if (make === undefined) throw new Error(`there is no function ${name}`)
  return make(argument)
}

/** Returns the digests of a body, by the names that a step's headers call them. */
export function describeBody(body: string): [string, string][] {
  return ['md5', 'sha1', 'sha256', 'crc32'].map((name) => [name, functions[name]?.(body) ?? ''])
}

const functions: Readonly<Record<string, (argument: string) => string>> = {
  md5: (text) => digest('md5', text).toString('base64'),
  md5hex: (text) => digest('md5', text).toString('hex'),
  sha1: (text) => digest('sha1', text).toString('base64'),
  sha256: (text) => digest('sha256', text).toString('base64'),
  sha256hex: (text) => digest('sha256', text).toString('hex'),
  crc32(text) {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(crc32(text))
    return bytes.toString('base64')
  },
  http: (offset) => new Date(Date.now() + toMs(offset)).toUTCString(),
  iso: (offset) => new Date(Date.now() + toMs(offset)).toISOString(),
  repeat(argument) {
    const at = argument.indexOf(':')
    return argument.slice(at + 1).repeat(Number(argument.slice(0, at)))
  },
}

function randomLetters(seed: string, length: number): string {
  return digest('sha512', seed).toString('hex').repeat(3).slice(0, length)
}

function digest(algorithm: string, text: string): Buffer {
  return createHash(algorithm).update(text).digest()
}

const unitsMs: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

function toMs(offset: string): number {
  const [, count = '', unit = ''] = /^([+-]\d+)([smhd])$/.exec(offset) ?? []
  return Number(count) * (unitsMs[unit] ?? Number.NaN)
}
