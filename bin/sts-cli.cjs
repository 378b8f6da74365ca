#!/usr/bin/env node
'use strict'
// CommonJS, because an ES module as the entry costs a fifth of Node's own start.
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`error: sts-cli needs Node 20.19 or newer, and this is ${process.version}\n`)
  process.exitCode = 78
} else {
  const { runProcess } = require('../dist/cli/run-process.cjs')
  runProcess(process.argv.slice(2))
}
