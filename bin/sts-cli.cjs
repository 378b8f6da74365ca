#!/usr/bin/env node
'use strict'
// CommonJS, because an ES module as the entry costs a fifth of Node's own start.
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`error: sts-cli needs Node 20.19 or newer, and this is ${process.version}\n`)
  process.exitCode = 78
} else {
  // Before the built files are loaded: Node keeps no map of a file that it loaded without (node:process, setSourceMapsEnabled).
  if (process.argv.some((word) => /^--?debug(=true)?$/.test(word)))
    process.setSourceMapsEnabled(true)
  const run = loadCommand()
  if (run !== undefined) run(process.argv.slice(2))
}

/** Returns the built command; undefined, with an error printed, in a clone that was not built. */
function loadCommand() {
  try {
    return require('../dist/cli/run-process.cjs').runProcess
  } catch (error) {
    if (
      error.code !== 'MODULE_NOT_FOUND' ||
      require('node:fs').existsSync(`${__dirname}/../dist/cli`)
    )
      throw error
    process.stderr.write(
      'error: sts-cli is not built in this folder\nhint: npm ci && npm run build\n',
    )
    process.exitCode = 78
    return undefined
  }
}
