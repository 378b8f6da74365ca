/** The build, and the files that the project's settings name. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import manifest from '../package.json' with { type: 'json' }

const root = path.join(import.meta.dirname, '..')
const files = ['.config', '.ci', 'action', 'bench', 'bin', 'src', 'test'].flatMap((folder) =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' }).map(
    (name) => `${folder}/${name.replaceAll('\\', '/')}`,
  ),
)

const load = async <T>(name: string): Promise<T> =>
  (await import(pathToFileURL(path.join(root, '.config', name)).href)) as T
const readJson = <T>(name: string): T =>
  JSON.parse(readFileSync(path.join(root, name), 'utf8')) as T

/** What the build makes is not there before it. */
const isMade = (name: string): boolean => name.startsWith('dist/')

/** The names that no file has; a pattern counts as missing when it fits nothing. */
function findMissing(names: readonly string[]): string[] {
  return names
    .map((name) => name.replace(/^\.\//, ''))
    .filter((name) => !isMade(name))
    .filter((name) =>
      name.includes('*')
        ? !files.some((file) => toPattern(name).test(file))
        : !existsSync(path.join(root, name)),
    )
}

function toPattern(glob: string): RegExp {
  const source = glob
    .replaceAll('.', String.raw`\.`)
    .replaceAll('**/', '<any>')
    .replaceAll('**', '.+')
    .replaceAll('*', '[^/]*')
    .replaceAll('<any>', '(.+/)?')
  return new RegExp(`^${source}$`)
}

describe('every file exists', () => {
  it('that the build names', async () => {
    const { entryModule, commonModules, manualModule } = await load<{
      entryModule: string
      commonModules: readonly string[]
      manualModule: string
    }>('named-files.mjs')
    const named = [entryModule, ...commonModules, manualModule].map((name) => `src/${name}`)
    expect(named.length).toBeGreaterThan(2)
    expect(findMissing(named)).toEqual([])
  })

  it('that package.json names', () => {
    const published = [...manifest.files, ...Object.values(manifest.bin), ...manifest.man].filter(
      (name) => name !== 'dist',
    )
    const words = Object.values(manifest.scripts).flatMap((script) => script.split(/\s+/))
    const ran = words.filter((word) => word.includes('/') || word.endsWith('.json'))
    expect(ran).toContain('.config/build.mjs')
    expect(findMissing([...published, ...ran])).toEqual([])
  })

  it('that a script of package.json takes as a folder', () => {
    const words = manifest.scripts.lint.split(/\s+/)
    const folders = words.slice(words.indexOf('.oxlintrc.json') + 1, words.indexOf('&&'))
    expect(folders.length).toBeGreaterThan(1)
    expect(findMissing(folders)).toEqual([])
  })

  it('that the settings of the compiler and of the search for dead code name', () => {
    const { entry, project } = readJson<Record<'entry' | 'project', string[]>>('.config/knip.json')
    const { include, compilerOptions } = readJson<{
      include: string[]
      compilerOptions: { paths: Record<string, string[]> }
    }>('tsconfig.json')
    const library = readJson<{ extends: string; files: string[] }>('.config/tsconfig.lib.json')
    const below = [library.extends, ...library.files].map((name) =>
      path.posix.join('.config', name),
    )
    const paths = Object.values(compilerOptions.paths).flat()
    expect(findMissing([...entry, ...project, ...include, ...paths, ...below])).toEqual([])
  })

  it.each(['vitest.config.mjs', 'vitest.fuzz.mjs', 'vitest.interop.mjs'])(
    'that %s names',
    async (name) => {
      const { test } = (await load<{ default: { test: TestSettings } }>(name)).default
      const named = [test, ...(test.projects ?? []).map((project) => project.test)].flatMap(
        ({ include = [], exclude = [] }) => [...include, ...exclude],
      )
      expect(named.length).toBeGreaterThan(0)
      expect(findMissing(named)).toEqual([])
    },
  )
})

interface TestSettings {
  readonly include?: readonly string[]
  readonly exclude?: readonly string[]
  readonly projects?: readonly { readonly test: TestSettings }[]
}

describe('a source map without the packages', () => {
  it('maps our lines as before and says nothing of others', async () => {
    const { filterMappings } = await load<{ filterMappings: Filter }>('source-maps.mjs')
    const sources = ['../package.js', '../a.ts', '../b.ts']
    // Columns 0: package line 1; 4: a.ts line 3; 8: package line 2; 12: b.ts line 41, column 2; next line: a.ts line 4.
    const mappings = 'AAAA,ICEA,IDDA,IEuCE;ADrCF'
    const before = new SourceMap({ ...empty, sources, mappings })
    const kept = filterMappings({ sources, mappings }, (source) => source.endsWith('.ts'))
    const after = new SourceMap({ ...empty, ...kept })

    expect(kept.sources).toEqual(['../a.ts', '../b.ts'])
    for (const [line, column] of [
      [0, 4],
      [0, 6],
      [0, 12],
      [1, 0],
    ] as const) {
      const entry = before.findEntry(line, column)
      expect(entry).toHaveProperty('originalSource', expect.stringMatching(/\.ts$/))
      expect(after.findEntry(line, column)).toEqual(entry)
    }
    for (const column of [0, 8, 11])
      expect(after.findEntry(0, column)).not.toHaveProperty('originalSource', expect.anything())
  })
})

type Filter = (
  map: { sources: string[]; mappings: string },
  isKept: (source: string) => boolean,
) => { sources: string[]; mappings: string }

const empty = {
  version: 3,
  file: 'a.cjs',
  names: [],
  sourcesContent: [],
  sourceRoot: '',
} as never as {
  version: number
  file: string
  names: string[]
  sourcesContent: string[]
  sourceRoot: string
}
