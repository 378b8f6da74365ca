import { execFileSync, spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import {
  detectShell,
  renderShellFailure,
  renderShellLines,
  shellNames,
  type ShellName,
} from '../../../src/client/formats/shells.ts'

interface RealShell {
  readonly program: string
  readonly speaks: ShellName
  /** Arguments before the script, and the script that evaluates $STS_LINES as a user does. */
  readonly flags: readonly string[]
  readonly evaluate: string
  /** In POSIX shells, `eval $(…)` without quotes joins lines and spaces. */
  readonly splitsWords: boolean
}

const posix = {
  speaks: 'sh',
  flags: ['-c'],
  evaluate: 'eval "$STS_LINES"',
  splitsWords: true,
} as const
const known: readonly RealShell[] = [
  { program: 'sh', ...posix },
  { program: 'bash', ...posix },
  { program: 'dash', ...posix },
  { program: 'zsh', ...posix, splitsWords: false },
  {
    program: 'fish',
    speaks: 'fish',
    flags: ['--no-config', '-c'],
    evaluate: 'printf %s "$STS_LINES" | source',
    splitsWords: false,
  },
  {
    program: 'pwsh',
    speaks: 'powershell',
    flags: ['-NoProfile', '-NonInteractive', '-Command'],
    evaluate: '$Env:STS_LINES | Out-String | Invoke-Expression',
    splitsWords: false,
  },
]
const installed = known.filter(({ program }) => isInstalled(program))

const values = [
  'plain',
  '',
  ' two  spaces ',
  `it's`,
  `''`,
  '"double"',
  '$HOME $(id) ${x} `id`',
  'back\\slash\\\\ \\n',
  'ends in \\',
  '& && | || ; < > << >> = + - # ! ~ * ? [a] {b,c} (d)',
  '100%PATH%',
  'ü € 😀 ‘typographic’ ‚quotes‛',
  'two\nlines',
  '-n',
  'tab\there',
  'https://127.0.0.1:9000/?a=b&c=d',
  'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY=',
]

/** Evaluates lines in the real shell and returns its environment, as the node it starts prints it. */
function evaluate(
  { program, flags }: RealShell,
  script: string,
  lines: string,
  env: Record<string, string> = {},
): Readonly<Record<string, string>> {
  const print = `"${process.execPath}" -e "process.stdout.write(JSON.stringify(process.env))"`
  const call = program === 'pwsh' ? `& ${print}` : print
  const all = {
    PATH: process.env['PATH'] ?? '',
    HOME: '/nonexistent',
    LC_ALL: 'C.UTF-8',
    STS_LINES: lines,
    ...env,
  }
  const stdout = execFileSync(program, [...flags, `${script}\n${call}`], {
    env: all,
    encoding: 'utf8',
  })
  return JSON.parse(stdout) as Record<string, string>
}

function isInstalled(program: string): boolean {
  return spawnSync(program, ['-c', 'exit 0']).status === 0
}

describe('installed shells', () => {
  it('the installed shells include sh', () => {
    expect(installed.map(({ program }) => program)).toContain('sh')
  })
})

describe.each(installed)('$program', (shell) => {
  it(`${shell.program} gets every value unchanged from the lines`, () => {
    const set = values.map((value, index) => [`STS_TEST_${index}`, value] as const)
    const env = evaluate(shell, shell.evaluate, renderShellLines(shell.speaks, set, []))
    // PowerShell removes a variable that is set to an empty text.
    expect(values.map((_value, index) => env[`STS_TEST_${index}`] ?? '')).toEqual(values)
  })

  it(`${shell.program} unsets a variable by the lines`, () => {
    const lines = renderShellLines(shell.speaks, [], ['STS_GONE', 'STS_NEVER_WAS'])
    const env = evaluate(shell, shell.evaluate, lines, { STS_GONE: 'x', STS_STAYS: 'y' })
    expect(env['STS_GONE']).toBeUndefined()
    expect(env['STS_STAYS']).toBe('y')
  })

  it(`${shell.program} fails the evaluation of the failure line`, () => {
    const script = `${shell.evaluate}${shell.speaks === 'sh' ? ' || exit 9' : ''}`
    const { status } = spawnSync(shell.program, [...shell.flags, script], {
      env: { PATH: process.env['PATH'] ?? '', STS_LINES: renderShellFailure(shell.speaks) },
    })
    expect(status).not.toBe(0)
  })
})

describe.each(installed.filter(({ splitsWords }) => splitsWords))('$program', (shell) => {
  it(`${shell.program} evaluates the lines without quotes, which joins lines and spaces`, () => {
    const set = [
      ['STS_A', 'one word'],
      ['STS_B', `it's & more`],
    ] as const
    const lines = renderShellLines(shell.speaks, set, ['STS_GONE'])
    const env = evaluate(shell, 'eval $STS_LINES', lines, { STS_GONE: 'x' })
    expect([env['STS_A'], env['STS_B'], env['STS_GONE']]).toEqual([
      'one word',
      `it's & more`,
      undefined,
    ])
  })

  it(`${shell.program} stops a script with set -e at the failure line`, () => {
    const { status, stdout } = spawnSync(
      shell.program,
      [...shell.flags, `set -e; ${shell.evaluate}; echo went on`],
      { env: { PATH: process.env['PATH'] ?? '', STS_LINES: renderShellFailure('sh') } },
    )
    expect({ status, stdout: stdout.toString() }).toEqual({ status: 1, stdout: '' })
  })
})

describe('shell text', () => {
  it.each<[ShellName, string]>([
    ['sh', `unset OLD;\nexport N='it'\\''s \\ "x"';\n`],
    ['fish', `set -e OLD;\nset -gx N 'it\\'s \\\\ "x"';\n`],
    ['powershell', `Remove-Item Env:OLD -ErrorAction SilentlyContinue\n$Env:N = 'it''s \\ "x"'\n`],
  ])('the lines for %s use its own quoting', (shell, text) => {
    expect(renderShellLines(shell, [['N', `it's \\ "x"`]], ['OLD'])).toBe(text)
  })

  it('the lines for PowerShell double typographic quotes, which it treats as quotes', () => {
    expect(renderShellLines('powershell', [['N', 'a‘b’c‚d‛e']], [])).toBe(
      `$Env:N = 'a‘‘b’’c‚‚d‛‛e'\n`,
    )
  })

  it('the lines for cmd escape percent signs', () => {
    expect(renderShellLines('cmd', [['N', '1%A% & 2']], ['OLD'])).toBe(
      'set "OLD="\nset "N=1%%A%% & 2"\n',
    )
  })

  it('each shell has one failure line', () => {
    expect(shellNames.map(renderShellFailure)).toEqual([
      'false;\n',
      'false;\n',
      `throw 'sts-cli failed'\n`,
      'exit /b 1\n',
    ])
  })
})

describe('calling shell', () => {
  it.each<[Record<string, string>, NodeJS.Platform, ShellName]>([
    [{}, 'linux', 'sh'],
    [{ SHELL: '/bin/bash' }, 'darwin', 'sh'],
    [{ SHELL: '/bin/zsh' }, 'darwin', 'sh'],
    [{ SHELL: '/usr/bin/fish' }, 'linux', 'fish'],
    [{ SHELL: '/bin/bash', FISH_VERSION: '3.7' }, 'linux', 'fish'],
    [{ SHELL: '/opt/fishy' }, 'linux', 'sh'],
    [{}, 'win32', 'powershell'],
    [{ PROMPT: '$P$G' }, 'win32', 'cmd'],
    [{ MSYSTEM: 'MINGW64', PROMPT: '$P$G' }, 'win32', 'sh'],
    [{ SHELL: '/usr/bin/bash' }, 'win32', 'sh'],
  ])('the shell for %j on %s is %s', (env, platform, shell) => {
    expect(detectShell(env, platform)).toBe(shell)
  })
})
