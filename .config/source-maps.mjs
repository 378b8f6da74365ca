/** Source maps for `--debug`: as small as they can be, and about our own files only. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/**
 * Takes the packages' sources out of every map in the folder; they are two thirds of its bytes. A chunk that holds nothing of ours loses its map.
 *
 * @param folder Holds `*.cjs` and `*.cjs.map`.
 */
export function keepOwnMappings(folder) {
  for (const name of readdirSync(folder).filter((entry) => entry.endsWith('.cjs.map'))) {
    const file = path.join(folder, name)
    const map = JSON.parse(readFileSync(file, 'utf8'))
    const { sources, mappings } = filterMappings(map, (source) => source.startsWith('../../src/'))
    if (sources.length > 0) {
      const { version, file: chunk } = map
      writeFileSync(file, JSON.stringify({ version, file: chunk, sources, names: [], mappings }))
      continue
    }
    rmSync(file)
    const chunk = file.slice(0, -'.map'.length)
    const code = readFileSync(chunk, 'utf8')
    writeFileSync(chunk, code.replace(/\n\/\/# sourceMappingURL=\S+\s*$/, '\n'))
  }
}

/**
 * Returns the map's sources and mappings without those that are not kept. A mapping is (column, source, line, column, name), each but the first column
 * relative to the mapping before; a column without a source says that what follows is from nowhere. Names are left out: functions keep theirs.
 *
 * @see https://tc39.es/ecma426/
 */
export function filterMappings({ sources, mappings }, isKept) {
  const kept = sources.filter(isKept)
  const read = { source: 0, line: 0, column: 0 }
  const written = { source: 0, line: 0, column: 0 }
  const lines = mappings.split(';').map((text) => {
    let readAt = 0
    let writtenAt = 0
    let isMapped = false
    const segments = []
    for (const segment of text === '' ? [] : text.split(',')) {
      const [at, source, line, column] = decode(segment)
      readAt += at
      read.source += source ?? 0
      read.line += line ?? 0
      read.column += column ?? 0
      const index = source === undefined ? -1 : kept.indexOf(sources[read.source])
      if (index === -1 && !isMapped) continue
      isMapped = index !== -1
      const start = encode(readAt - writtenAt)
      writtenAt = readAt
      if (!isMapped) {
        segments.push(start)
        continue
      }
      const steps = [index - written.source, read.line - written.line, read.column - written.column]
      segments.push(start + steps.map(encode).join(''))
      Object.assign(written, { source: index, line: read.line, column: read.column })
    }
    return segments.join(',')
  })
  return { sources: kept, mappings: lines.join(';') }
}

/** Base64 digits of five bits, the lowest first; the sixth bit says that another follows, the number's lowest is its sign. */
function decode(segment) {
  const numbers = []
  let value = 0
  let shift = 0
  for (const character of segment) {
    const digit = digits.indexOf(character)
    value += (digit & 31) << shift
    shift += 5
    if ((digit & 32) !== 0) continue
    numbers.push((value & 1) === 1 ? -(value >> 1) : value >> 1)
    value = 0
    shift = 0
  }
  return numbers
}

function encode(number) {
  let rest = number < 0 ? (-number << 1) | 1 : number << 1
  let text = ''
  do {
    text += digits[(rest & 31) | (rest > 31 ? 32 : 0)]
    rest >>= 5
  } while (rest > 0)
  return text
}
