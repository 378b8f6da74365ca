/** Source maps for `--debug`: only of this project's own files, so that they are small. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { decode, encode } from '@jridgewell/sourcemap-codec'

/**
 * Removes the packages' sources from every map in the folder: they are two thirds of its bytes. A map without a source of this project is deleted.
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
 * Returns the map's sources and mappings without those that are not kept. A column without a source says that what follows has none. Names are
 * left out: the build keeps those of functions.
 *
 * @see https://tc39.es/ecma426/
 */
export function filterMappings({ sources, mappings }, isKept) {
  const kept = sources.filter(isKept)
  const lines = decode(mappings).map((segments) => {
    let isMapped = false
    return segments.flatMap(([at, source, line, column]) => {
      const index = source === undefined ? -1 : kept.indexOf(sources[source])
      if (index === -1 && !isMapped) return []
      isMapped = index !== -1
      return [isMapped ? [at, index, line, column] : [at]]
    })
  })
  return { sources: kept, mappings: encode(lines) }
}
