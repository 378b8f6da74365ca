/**
 * `npm run build`: src → dist, the command as split CommonJS chunks (it starts fastest), the library as ES modules with types.
 * Built beside the old one and swapped in whole, so that a failed or interrupted build leaves what worked.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { commonModules, entryModule, manualModule } from './named-files.mjs'

for (const name of ['rolldown', 'typescript', '@jridgewell/sourcemap-codec']) requirePackage(name)
const { rolldown } = await import('rolldown')
const { keepOwnMappings } = await import('./source-maps.mjs')

const root = path.join(import.meta.dirname, '..')
const target = path.join(root, 'dist')
const staging = path.join(root, `dist.${process.pid}.tmp`)

/**
 * Required where they are installed: most servers and nearly all commands never load them. All else is in the chunks, because finding a package's
 * many small files takes longer than running them: a third of the time from `serve` to ready. The keyring and lmdb are machine code of each platform's own.
 */
const external = ['@napi-rs/keyring', 'ldapts', 'lmdb', 'undici']

/** commander loads child_process, half of what `--help` costs, for commands that are programs of their own; we have none. */
const withoutChildProcess = {
  name: 'commander-without-child-process',
  resolveId: (id, importer) =>
    id === 'node:child_process' && importer?.includes(`${path.sep}commander${path.sep}`)
      ? '\0no-child-process'
      : undefined,
  load: (id) => (id === '\0no-child-process' ? 'module.exports = {}' : undefined),
}

/**
 * Requires the packages that are loaded when they are used and have a CommonJS form: through Node's loader of ES modules lmdb takes 35 ms more,
 * a tenth of the start. A line keeps its number, and so does what is said of it in an error.
 */
const withRequiredPackages = {
  name: 'required-packages',
  transform(code, id) {
    const loaded = /(?<!typeof )import\('(lmdb|undici)'\)/g
    if (!id.startsWith(path.join(root, 'src')) || !loaded.test(code)) return undefined
    return {
      code: code.replaceAll(loaded, "Promise.resolve().then(() => require('$1'))"),
      map: null,
    }
  },
}

/**
 * koa comes with two tables of 2,000 media types each, a ninth of what `serve` takes to start. The provider answers with a handful; of the others a
 * name without an extension and a character set says nothing.
 */
const withFewMediaTypes = {
  name: 'mime-db-with-few-types',
  load(id) {
    if (!/[\\/]mime-db[\\/]db\.json$/.test(id)) return undefined
    const all = Object.entries(JSON.parse(readFileSync(id, 'utf8')))
    const few = all.filter(([name]) =>
      /^(?:text\/|application\/(?:json|jwt|octet-stream|x-www-form-urlencoded|javascript|xml)$|multipart\/form-data$)/.test(
        name,
      ),
    )
    return JSON.stringify(
      Object.fromEntries(few.filter(([, { charset, extensions }]) => charset ?? extensions)),
    )
  },
}

try {
  await buildCommand()
  await buildManual()
  if (process.argv[2] !== 'cli') buildLibrary()
  rmSync(target, { recursive: true, force: true })
  renameSync(staging, target)
} finally {
  if (existsSync(staging)) rmSync(staging, { recursive: true, force: true })
}

async function buildCommand() {
  const roots = commonModules.map(findSource)
  const entry = findSource(entryModule)
  let inEntry
  let inCommon
  const bundle = await rolldown({
    input: { 'run-process': entry },
    platform: 'node',
    external,
    // The chunks may import from the entry what it holds.
    preserveEntrySignatures: 'allow-extension',
    plugins: [withoutChildProcess, withFewMediaTypes, withRequiredPackages],
    logLevel: 'warn',
    // A package of koa's evaluates a function it wrote itself, to give it the right number of parameters.
    checks: { eval: false },
  })
  const { output } = await bundle.write({
    dir: path.join(staging, 'cli'),
    format: 'cjs',
    entryFileNames: '[name].cjs',
    chunkFileNames: '[name]-[hash].cjs',
    codeSplitting: {
      includeDependenciesRecursively: false,
      // Each further file costs a hundredth of Node's own start, so that what nearly every command needs is one file.
      groups: [
        {
          debugName: 'common',
          name: (id, graph) => {
            inEntry ??= findImported([entry], graph)
            inCommon ??= findImported(roots, graph)
            return inCommon.has(id) && !inEntry.has(id) ? 'common' : null
          },
        },
      ],
    },
    minify: {
      compress: { keepNames: { function: true, class: true } },
      mangle: { toplevel: true, keepNames: true },
      codegen: { removeWhitespace: true },
    },
    comments: { legal: true },
    // For `--debug`; the sources themselves would triple the package, and the line's number is enough to find it.
    sourcemap: true,
    sourcemapExcludeSources: true,
  })
  await bundle.close()
  keepOwnMappings(path.join(staging, 'cli'))
  writeLicences(output.flatMap((chunk) => chunk.moduleIds ?? []))
}

/** Ends the build with what to type when a package that it needs is not installed. */
function requirePackage(name) {
  try {
    import.meta.resolve(name)
  } catch {
    process.stderr.write(
      `error: cannot build: the package ${name} is not installed\nhint: npm ci\n`,
    )
    process.exit(78)
  }
}

/** The modules that these import statically, directly or not, and these themselves. */
function findImported(ids, graph) {
  const found = new Set(ids)
  // A set's iterator also visits what is added meanwhile.
  for (const id of found)
    for (const imported of graph.getModuleInfo(id)?.importedIds ?? []) found.add(imported)
  return found
}

/** The absolute path of a source file; a renamed one stops the build, where a pattern would silently match nothing. */
function findSource(name) {
  const file = path.join(root, 'src', name)
  if (!existsSync(file))
    throw new Error(`.config/named-files.mjs names src/${name}, which does not exist`)
  return file
}

/** The licences of what is inside the chunks, as they ask for. */
function writeLicences(modules) {
  const folders = new Set(modules.map(findPackage).filter((folder) => folder !== undefined))
  const texts = [...folders].toSorted().map((folder) => {
    const { name, version, license } = JSON.parse(
      readFileSync(path.join(folder, 'package.json'), 'utf8'),
    )
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry))
    const text = file === undefined ? '' : readFileSync(path.join(folder, file), 'utf8')
    return `${name} ${version} (${license})\n\n${text.trim()}\n`
  })
  writeFileSync(path.join(staging, 'cli', 'LICENCES.txt'), texts.join(`\n${'-'.repeat(80)}\n\n`))
}

/** The folder of the package that a module came from; undefined for one of ours. */
function findPackage(module) {
  return /^(.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/.exec(module)?.[1]
}

/** The manual is text: what renders it is not shipped. */
async function buildManual() {
  const folder = path.join(staging, 'manual')
  const bundle = await rolldown({
    input: findSource(manualModule),
    platform: 'node',
    external,
  })
  await bundle.write({ dir: folder, format: 'es', entryFileNames: 'man-page.mjs' })
  await bundle.close()
  const { renderManPage } = await import(pathToFileURL(path.join(folder, 'man-page.mjs')).href)
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))
  writeFileSync(path.join(staging, 'sts-cli.1'), renderManPage(version))
  rmSync(folder, { recursive: true })
}

function buildLibrary() {
  const compiler = path.join(root, 'node_modules/typescript/bin/tsc')
  const argv = [
    compiler,
    '-p',
    path.join(root, '.config/tsconfig.lib.json'),
    '--outDir',
    path.join(staging, 'lib'),
  ]
  execFileSync(process.execPath, argv, { stdio: 'inherit' })
}
