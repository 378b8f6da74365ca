/**
 * Rules for errors, read from the sources. A program that uses the library has no flags and no commands: what src/commands/ stands on must
 * not tell it to type some.
 */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { getErrorReasons } from '../../src/base/error-reasons.ts'
import { commandTable } from '../../src/commands/options/command-table.ts'

const src = path.join(import.meta.dirname, '..', '..', 'src')
function listFiles(...rooms: readonly string[]): string[] {
  return rooms
    .flatMap((room) =>
      readdirSync(path.join(src, room), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts'))
        .map((name) => path.join(room, name).replaceAll('\\', '/')),
    )
    .toSorted()
}

const files = listFiles('base', 'protocol', 'client', 'server')

/** Arguments of other programs, the name of a certificate, and what S3 tells a client that only the server's operator can change. */
const others = new Set([
  '--format',
  '--server',
  '--addr',
  '--skip-version-check',
  '--log-level',
  '--v0-compatible',
  '-p',
  'sts-cli serve on this machine ',
  'Signature Version 2 is not accepted',
])

function readCode(file: string): string {
  return readFileSync(path.join(src, file), 'utf8')
    .replaceAll(/\/\*[^]*?\*\//g, '')
    .replaceAll(/(^|\s)\/\/.*$/gm, '')
}

const commands = commandTable.map(({ name }) => name)
const mention = new RegExp(
  `(?<![\\w-])(--[a-z][a-z-]+|-(k|p|cid|csec|sts-ep|idp-ep)\\b)|sts-cli (${commands.join('|')})\\b`,
)

it('no text outside of src/commands/ names a flag or a command of sts-cli', () => {
  const found = files.flatMap((file) =>
    [...readCode(file).matchAll(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g)]
      .map(([quoted]) => quoted.slice(1, -1))
      .filter((text) => mention.test(text) && ![...others].some((known) => text.startsWith(known)))
      .map((text) => `${file}: ${text}`),
  )
  expect(found).toEqual([])
})

it('outside of src/commands/ only the entry points of the library give hints', () => {
  const found = files.filter((file) => /\bhint(: ['"`\w]|,)/.test(readCode(file))).toSorted()
  expect(found).toEqual([
    'base/errors.ts',
    'client/flow/client-grants.ts',
    'server/start-server.ts',
  ])
})

it('no error is recognised by the text of its message, except the refusals of an STS', () => {
  const byText =
    /\.(test|match|includes|startsWith)\([^)\n]*[mM]essage\b|[mM]essage\??\.(match|includes|startsWith|endsWith)\(/
  const found = listFiles('client', 'commands', 'base').filter((file) =>
    byText.test(readCode(file)),
  )
  expect(found).toEqual(['client/to-sts-error.ts'])
})

it('each reason is given somewhere', () => {
  const code = [...files, ...listFiles('commands')]
    .filter((file) => !['base/error-reasons.ts', 'commands/hints/error-hints.ts'].includes(file))
    .map(readCode)
    .concat(readCode('main.ts'))
    .join('')
  const unused = Object.keys(getErrorReasons()).filter((reason) => !code.includes(`'${reason}'`))
  expect(unused).toEqual([])
})
