/** A program named `opa` that behaves as the words in the Rego file tell it, in a folder of its own for the PATH. */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { onTestFinished } from 'vitest'

const program = `#!${process.execPath}
const fs = require('node:fs')
const [command, ...argv] = process.argv.slice(2)
const file = argv.at(-1)
const text = fs.statSync(file).isFile() ? fs.readFileSync(file, 'utf8') : 'package in.folder'
const fail = (stream, words) => { stream.write(words + '\\n'); process.exitCode = 1 }
const isOlder = argv.includes('--v0-compatible')
if (command === 'inspect') {
  if (/syntax error/.test(text) || (/older/.test(text) && !isOlder))
    fail(process.stderr, 'error: x.rego:4: rego_parse_error: unexpected }\\n\\t}\\n\\t^\\u001b[2J')
  else {
    const names = [...text.matchAll(/package (\\S+)/g)].map((found) => ['data.' + found[1], ['x.rego']])
    process.stdout.write(JSON.stringify({ namespaces: Object.fromEntries(names) }))
  }
} else if (/type error/.test(text)) fail(process.stdout, 'error: undefined function nope')
else {
  const starts = fs.existsSync(file + '.starts') ? fs.readFileSync(file + '.starts', 'utf8') : ''
  fs.writeFileSync(file + '.starts', starts + process.pid + '\\n')
  if (/doomed/.test(text) && starts !== '') fail(process.stderr, 'the last words')
  else if (/silent/.test(text)) setInterval(() => {}, 1000)
  else {
    const server = require('node:http').createServer((request, response) => {
      let body = ''
      request.on('data', (chunk) => (body += chunk))
      request.on('end', () => {
        const { input = {} } = body === '' ? {} : JSON.parse(body)
        if (input.action === 's3:Die') process.exit(3)
        const result = { allow: true, argv, env: process.env, asked: request.url }
        response.end(JSON.stringify({ result }))
      })
    })
    server.listen(argv[argv.indexOf('--addr') + 1].slice('unix://'.length))
  }
}
`

export interface FakeOpa {
  /** The path of the Rego file. */
  readonly rego: string
  readonly env: Readonly<Record<string, string>>
  /** Process IDs of the servers that were started, oldest first. */
  readStarts(): Promise<number[]>
}

/** @param words The content of the Rego file: `package a.b`, and the fault to simulate. */
export async function installFakeOpa(words: string): Promise<FakeOpa> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sts-cli-test-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = path.join(folder, 'opa')
  await writeFile(file, program)
  await chmod(file, 0o755)
  const rego = path.join(folder, 'x.rego')
  await writeFile(rego, words)
  return {
    rego,
    env: { PATH: folder, HOME: folder, MINIO_ROOT_PASSWORD: 'hunter2' },
    async readStarts() {
      const text = await readFile(`${rego}.starts`, 'utf8').catch(() => '')
      return text.split('\n').flatMap((line) => (line === '' ? [] : [Number(line)]))
    },
  }
}
