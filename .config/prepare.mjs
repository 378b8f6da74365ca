/** What must be there before tests and benches, from a clean clone: installed packages and a build that is newer than the sources. Node alone. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'

const root = path.join(import.meta.dirname, '..')
const at = (...parts) => path.join(root, ...parts)

/** Installs when the lockfile is not what node_modules was made from. */
export function install() {
  const installed = at('node_modules', '.package-lock.json')
  if (
    existsSync(installed) &&
    statSync(installed).mtimeMs >= statSync(at('package-lock.json')).mtimeMs
  )
    return
  if (existsSync(installed) && holdsLockfile(installed)) return
  // npm's output belongs on stderr: stdout is what the script itself says.
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  execFileSync(npm, ['ci', '--no-audit', '--no-fund', '--loglevel', 'error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  })
}

/** A clone made after the install has a newer lockfile of the same packages. */
function holdsLockfile(installed) {
  const { packages: have } = JSON.parse(readFileSync(installed, 'utf8'))
  const { packages: want } = JSON.parse(readFileSync(at('package-lock.json'), 'utf8'))
  return Object.entries(want).every(
    ([name, { version, optional }]) =>
      name === '' || optional === true || have[name]?.version === version,
  )
}

/** Builds when a source is newer than what was built. */
export function build() {
  const built = at('dist', 'lib', 'index.js')
  const sources = [
    at('package.json'),
    at('tsconfig.json'),
    ...listFiles(at('.config')),
    ...listFiles(at('src')),
  ]
  if (
    existsSync(built) &&
    sources.every((file) => statSync(file).mtimeMs <= statSync(built).mtimeMs)
  )
    return
  execFileSync(process.execPath, [at('.config', 'build.mjs')], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
}

function listFiles(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
}

if (process.argv[1] === import.meta.filename) {
  install()
  build()
}
