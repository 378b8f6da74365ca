import { execa } from 'execa'
import { beforeEach, describe, expect, it } from 'vitest'
import { makeFolder, startFake, stsAnswer } from '../support/commands/harness.ts'
import { binPath, installPath } from './stack.ts'

/** Session tokens that a server may issue and a shell may misread. */
const values = [
  `it's`,
  `''`,
  '"double"',
  '$HOME $(id) ${x} `id`',
  String.raw`back\slash\\ \n`,
  String.raw`ends in \ `.trim(),
  '& && | || ; < > << >> = + - # ! ~ * ? [a] {b,c} (d)',
  '100%PATH%',
  'two  spaces',
  'ü € 😀 ‘typographic’ ‚quotes‛',
  '-n',
  '!!',
  'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY=',
]

/** The command that users of each shell type, and one that prints the variable afterwards. */
const print = `node -e 'process.stdout.write(process.env.AWS_SESSION_TOKEN)'`
const shells: readonly (readonly [string, readonly string[], string])[] = [
  ['bash', ['--norc', '-c'], 'eval $(sts-cli env)'],
  ['bash', ['--norc', '-c'], 'eval "$(sts-cli env --shell sh)"'],
  ['bash', ['--norc', '-c'], 'source <(sts-cli env)'],
  ['dash', ['-c'], 'eval $(sts-cli env)'],
  ['dash', ['-c'], 'eval "$(sts-cli env)"'],
  ['zsh', ['-f', '-c'], 'eval $(sts-cli env)'],
  ['zsh', ['-f', '-c'], 'source <(sts-cli env)'],
  ['fish', ['--no-config', '-c'], 'sts-cli env --shell fish | source'],
  ['fish', ['--no-config', '-c'], 'eval (sts-cli env --shell fish)'],
]

/** An unquoted eval joins spaces and expands file names in a shell that splits words. No session token looks like that. */
const isFolded = (line: string, value: string): boolean =>
  line.startsWith('eval $(') && /\s{2}|\s[*?[]/.test(value)

let token = ''
let folder: string
let env: Record<string, string>

beforeEach(async () => {
  folder = await makeFolder()
  const sts = await startFake(() => stsAnswer(undefined, { sessionToken: token, ...later() }))
  env = {
    HOME: folder,
    LC_ALL: 'C.UTF-8',
    PATH: await installPath(folder),
    STS_CLI_STS_ENDPOINT: sts.url,
    STS_CLI_TOKEN: 'a.b.c',
  }
})

const later = (): { expirationText: string } => ({
  expirationText: new Date(Date.now() + 3_600_000).toISOString(),
})

describe('session tokens with shell syntax', () => {
  it.each(values)('every shell evaluates env to the unchanged session token: %s', async (value) => {
    token = value
    const options = {
      env,
      extendEnv: false,
    }
    await execa(process.execPath, [binPath, 'login', '-q'], options)
    for (const [shell, flags, line] of shells.filter((way) => !isFolded(way[2], value))) {
      const { stdout } = await execa(shell, [...flags, `${line}; ${print}`], {
        ...options,
        stripFinalNewline: false,
      })
      expect({ shell, line, stdout }).toEqual({ shell, line, stdout: value })
    }
  })
})

describe('failed env in a shell', () => {
  it.each(shells.filter(([, , line]) => line.startsWith('eval')))(
    'the shell %s %j treats a failed %s as a failure',
    async (shell, flags, line) => {
      const options = { env: { ...env, HOME: '/nonexistent', STS_CLI_TOKEN: '' }, extendEnv: false }
      const script = `${line}; and echo done`
      const typed = shell === 'fish' ? script : `${line} && echo done`
      const ran = await execa(shell, [...flags, typed], { ...options, reject: false })
      expect(ran.stdout).toBe('')
      expect(ran.exitCode).not.toBe(0)
    },
  )
})
