import { describe, expect, it } from 'vitest'
import manifest from '../../../package.json' with { type: 'json' }
import { optionsOf } from '../../../src/commands/options/option-table.ts'
import { commandTable } from '../../../src/commands/options/command-table.ts'
import { runLine } from '../../support/commands/harness.ts'

describe('help', () => {
  it.each([
    [[]],
    [['help']],
    [['-h']],
    [['--help']],
    [['-help']],
    [['--h']],
    [['-h', '-cid', 'x']],
  ])('the help lists the commands for %j', async (argv) => {
    const { code, stdout, stderr } = await runLine(argv)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    for (const { name, summary } of commandTable)
      expect(stdout).toMatch(new RegExp(`^ {2}${name} +${summary.slice(0, 20)}`, 'm'))
  })

  it.each(commandTable.map(({ name }) => name))('the help lists every flag of %s', async (name) => {
    const { code, stdout } = await runLine(['help', name])
    expect(code).toBe(0)
    for (const option of optionsOf(name)) expect(stdout).toContain(`--${option.name}`)
    expect(stdout).toMatch(/^Examples:\n {2}\S/)
  })

  it.each([[['login', '--help']], [['login', '-h']], [['login', '-cid', 'x', '-help']]])(
    '%j prints the help page of login',
    async (argv) => {
      const { code, stdout } = await runLine(argv)
      expect(code).toBe(0)
      expect(stdout).toBe((await runLine(['help', 'login'])).stdout)
      expect(stdout).toContain('-cid, --client-id ID')
      expect(stdout).toContain('STS_CLI_CLIENT_ID')
      expect(stdout.match(/this page/g)).toHaveLength(1)
    },
  )

  it('--help among flags without a command prints the first help page', async () => {
    expect((await runLine(['-cid', 'x', '--help'])).stdout).toBe((await runLine([])).stdout)
  })
})

describe('version', () => {
  it.each([
    [['-V']],
    [['--version']],
    [['-version']],
    [['--V']],
    [['login', '-V']],
    [['-cid', 'x', '--version']],
  ])('%j prints the version', async (argv) => {
    expect(await runLine(argv)).toMatchObject({
      code: 0,
      stdout: `${manifest.version}\n`,
      stderr: '',
    })
  })
})

describe('unknown command', () => {
  it.each([
    [['logn'], 'logn', 'did you mean login?'],
    [['Login'], 'Login', 'did you mean login?'],
    [['stauts', '--json=false'], 'stauts', 'did you mean status?'],
    [['help', 'logn'], 'logn', 'did you mean login?'],
    [['xyzzyplugh'], 'xyzzyplugh', 'sts-cli --help lists the commands'],
    [['help', 'xyzzyplugh'], 'xyzzyplugh', 'sts-cli --help lists the commands'],
    [[''], '', 'sts-cli --help lists the commands'],
    [['quickstart'], 'quickstart', 'sts-cli --help lists the commands'],
  ])('the command line %j exits 64 for the word %j and suggests: %s', async (argv, word, hint) => {
    expect(await runLine(argv)).toMatchObject({
      code: 64,
      stdout: '',
      stderr: `error: there is no command ${JSON.stringify(word)}\nhint: ${hint}\n`,
    })
  })
})

describe('commands without operands', () => {
  const names = commandTable.filter(({ operands }) => operands === '').map(({ name }) => name)

  it.each(names)('%s refuses an operand without repeating it', async (name) => {
    const { code, stderr } = await runLine([name, 'hunter2'])
    expect(code).toBe(64)
    expect(stderr).toContain(`error: ${name} takes no operand, but got 1\n`)
    expect(stderr).not.toContain('hunter2')
  })

  it.each([...names, 'exchange', 'inspect'])('%s refuses a command after --', async (name) => {
    const { code, stderr } = await runLine([name, '--', 'ls'])
    expect(code).toBe(64)
    expect(stderr).toContain(`error: ${name} runs no command after --\n`)
  })

  it('an unknown flag is reported with the nearest one, as JSON with --json', async () => {
    const { code, stdout, stderr } = await runLine(['status', '--json', '--proflie', 'x'])
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(JSON.parse(stderr)).toEqual({
      error: {
        reason: 'flag-unknown',
        code: 'ERR_USAGE',
        stage: 'cli',
        message: 'flag provided but not defined: -proflie',
        hint: 'did you mean --profile?',
        exitCode: 64,
      },
    })
  })
})
