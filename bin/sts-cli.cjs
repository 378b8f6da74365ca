#!/usr/bin/env node
'use strict'
// CommonJS, because an ES module as the entry costs a fifth of Node's own start.
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`error: sts-cli needs Node 20.19 or newer, and this is ${process.version}\n`)
  process.exitCode = 78
} else {
  const argv = process.argv.slice(2)
  // Node reads the source map of a file only while it loads the file, so the maps are switched on before the first one.
  if (argv.some((word) => /^--?debug(=|$)/.test(word))) process.setSourceMapsEnabled(true)
  const entry = findEntry()
  if (entry !== undefined) require(entry).runProcess(argv)
}

/** Returns the path of the built command; without one, says what to do and returns undefined. */
function findEntry() {
  try {
    return require.resolve('../dist/cli/run-process.cjs')
  } catch {
    process.stderr.write('error: not built yet\nhint: npm run build\n')
    process.exitCode = 78
    return undefined
  }
}
