import { describe, expect, it } from 'vitest'
import manifest from '../../../package.json' with { type: 'json' }
import { optionsOf } from '../../../src/commands/options/option-table.ts'
import { commandTable } from '../../../src/commands/options/command-table.ts'
import { runLine } from '../../support/commands/harness.ts'

describe('the help', () => {
  it.each([
    [[]],
    [['help']],
    [['-h']],
    [['--help']],
    [['-help']],
    [['--h']],
    [['-h', '-cid', 'x']],
  ])('lists the commands for %j', async (argv) => {
    const { code, stdout, stderr } = await runLine(argv)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    for (const { name, summary } of commandTable)
      expect(stdout).toMatch(new RegExp(`^ {2}${name} +${summary.slice(0, 20)}`, 'm'))
  })

  it.each(commandTable.map(({ name }) => name))('has every flag of %s', async (name) => {
    const { code, stdout } = await runLine(['help', name])
    expect(code).toBe(0)
    for (const option of optionsOf(name)) expect(stdout).toContain(`--${option.name}`)
    expect(stdout).toMatch(/^Examples:\n {2}\S/)
  })

  it.each([[['login', '--help']], [['login', '-h']], [['login', '-cid', 'x', '-help']]])(
    'is the page of login for %j',
    async (argv) => {
      const { code, stdout } = await runLine(argv)
      expect(code).toBe(0)
      expect(stdout).toBe((await runLine(['help', 'login'])).stdout)
      expect(stdout).toContain('-cid, --client-id ID')
      expect(stdout).toContain('STS_CLI_CLIENT_ID')
      expect(stdout.match(/this page/g)).toHaveLength(1)
    },
  )

  it('of flags without a command is the first page', async () => {
    expect((await runLine(['-cid', 'x', '--help'])).stdout).toBe((await runLine([])).stdout)
  })
})

describe('the version', () => {
  it.each([
    [['-V']],
    [['--version']],
    [['-version']],
    [['--V']],
    [['login', '-V']],
    [['-cid', 'x', '--version']],
  ])('is printed for %j', async (argv) => {
    expect(await runLine(argv)).toMatchObject({
      code: 0,
      stdout: `${manifest.version}\n`,
      stderr: '',
    })
  })
})

describe('a word that is no command', () => {
  it.each([
    [['logn'], 'logn', 'did you mean login?'],
    [['Login'], 'Login', 'did you mean login?'],
    [['stauts', '--json=false'], 'stauts', 'did you mean status?'],
    [['help', 'logn'], 'logn', 'did you mean login?'],
    [['xyzzyplugh'], 'xyzzyplugh', 'sts-cli --help lists the commands'],
    [['help', 'xyzzyplugh'], 'xyzzyplugh', 'sts-cli --help lists the commands'],
    [[''], '', 'sts-cli --help lists the commands'],
    [['quickstart'], 'quickstart', 'sts-cli --help lists the commands'],
  ])('%j ends with 64 and names the nearest', async (argv, word, hint) => {
    expect(await runLine(argv)).toMatchObject({
      code: 64,
      stdout: '',
      stderr: `error: there is no command ${JSON.stringify(word)}\nhint: ${hint}\n`,
    })
  })
})

describe('commands without operands', () => {
  const names = commandTable.filter(({ operands }) => operands === '').map(({ name }) => name)

  it.each(names)('%s refuses one, unrepeated', async (name) => {
    const { code, stderr } = await runLine([name, 'hunter2'])
    expect(code).toBe(64)
    expect(stderr).toContain(`error: ${name} takes no operand, but got 1\n`)
    expect(stderr).not.toContain('hunter2')
  })

  it.each([...names, 'exchange', 'inspect'])('%s runs nothing after --', async (name) => {
    const { code, stderr } = await runLine([name, '--', 'ls'])
    expect(code).toBe(64)
    expect(stderr).toContain(`error: ${name} runs no command after --\n`)
  })

  it('have unknown flags named with the nearest, as JSON where that is wanted', async () => {
    const { code, stdout, stderr } = await runLine(['status', '--json', '--proflie', 'x'])
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(JSON.parse(stderr)).toEqual({
      error: {
        code: 'ERR_USAGE',
        stage: 'cli',
        message: 'flag provided but not defined: -proflie',
        hint: 'did you mean --profile?',
        exitCode: 64,
      },
    })
  })
})
