import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { completeWords, completionShells } from '../../../src/commands/help/complete-words.ts'
import { optionTable, optionsOf } from '../../../src/commands/options/option-table.ts'
import { commandTable } from '../../../src/commands/options/command-table.ts'
import { makeFolder, runLine } from '../../support/commands/harness.ts'

/** What is offered, without the descriptions. */
function complete(...words: string[]): readonly string[] | 'files' {
  const found = completeWords(words, ['default', 'ci'])
  return found === 'files' ? found : found.map(({ text }) => text)
}

describe('what may stand at the cursor', () => {
  it('is every command at first, and those that begin so', () => {
    expect(complete('')).toEqual([...commandTable.map(({ name }) => name), 'help'])
    expect(complete('log')).toEqual(['login', 'logout'])
    expect(completeWords(['login'], [])).toEqual([
      { text: 'login', description: 'get temporary credentials and remember them' },
    ])
  })

  it.each(commandTable.map(({ name }) => name))('is every flag of %s', (name) => {
    const offered = complete(name, '-')
    for (const option of optionsOf(name)) expect(offered).toContain(`--${option.name}`)
  })

  it('is the quickstart’s flags without a command', () => {
    expect(complete('-c')).toEqual(['-cid', '-csec'])
    expect(complete('-cid', 'x', '-cs')).toEqual(['-csec'])
  })

  it('is no flag that is there already, unless it may be repeated', () => {
    expect(complete('login', '-cid', 'x', '--client-i')).toEqual([])
    expect(complete('login', '--client-id=x', '-ci')).toEqual([])
    expect(complete('login', '--param', 'a=b', '--para')).toEqual(['--param'])
  })

  it('is a flag’s own words, behind a space or an equals sign', () => {
    expect(complete('login', '--grant', 'de')).toEqual(['device-code'])
    expect(complete('login', '--format=pro')).toEqual(['--format=process'])
    expect(complete('login', '-f', '')).toEqual(
      optionTable.find(({ name }) => name === 'format')?.choices,
    )
    expect(complete('login', '-p', '')).toEqual(['default', 'ci'])
    expect(complete('login', '--profile=c')).toEqual(['--profile=ci'])
  })

  it('is a file where a file is meant, and nothing that could be guessed elsewhere', () => {
    expect(complete('login', '--ca-file', '')).toBe('files')
    expect(complete('serve', '--policy', 'x')).toBe('files')
    expect(complete('serve', '')).toBe('files')
    expect(complete('exec', '--', 'aws', 's3')).toBe('files')
    expect(complete('login', '--scope', '')).toEqual([])
    expect(complete('login', '')).toEqual([])
  })

  it('is what config, help and completion take', () => {
    expect(complete('config', 'g')).toEqual(['get'])
    expect(complete('config', 'set', 'iss')).toEqual(['issuer'])
    expect(complete('config', '-p', 'ci', 'get', 'iss')).toEqual(['issuer'])
    expect(complete('help', 'stat')).toEqual(['status'])
    expect(complete('completion', '')).toEqual([...completionShells])
  })
})

describe('the words of an option', () => {
  it.each(optionTable.filter(({ choices }) => choices !== undefined))(
    '--$name are those that its command takes',
    async ({ name, commands, choices: words = [] }) => {
      const command = commands.find((candidate) => candidate !== 'quickstart') ?? 'login'
      if (name === 'color') return expect(words).toEqual(['auto', 'always', 'never'])
      const extra =
        name === 'gateway-style' ? ['--gateway', '--stateless', 'http://127.0.0.1:1'] : []
      const env = {
        HOME: await makeFolder(),
        MINIO_ROOT_USER: 'root',
        MINIO_ROOT_PASSWORD: 'long-enough',
      }
      const argv = [command, '-cid', 'x', '-csec', 'y', `--${name}`, 'none-such', ...extra]
      const kept = command === 'serve' ? argv.filter((_, index) => index === 0 || index > 4) : argv
      const { code, stderr } = await runLine(kept, { env })
      return expect([code, stderr]).toEqual([
        64,
        expect.stringContaining(`use ${words.join(', ')}`),
      ])
    },
  )
})

describe('completion', () => {
  it.each(completionShells)('prints a script for %s that asks this program', async (shell) => {
    const { code, stdout, stderr } = await runLine(['completion', shell])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/sts-cli completion candidates (--|'--') /)
  })

  it('gives the scripts a line for each candidate, profiles among them', async () => {
    const home = await makeFolder()
    const ask = async (...words: string[]): Promise<string> =>
      (await runLine(['completion', 'candidates', '--', ...words], { env: { HOME: home } })).stdout
    expect(await ask('logi')).toBe('login\tget temporary credentials and remember them\n')
    expect(await ask('login', '--ca-file', '')).toBe(':files\n')
    expect(await ask('login', '-p', '')).toBe('')

    const folder = path.join(home, '.config', 'sts-cli')
    await mkdir(folder, { recursive: true })
    await writeFile(path.join(folder, 'config.toml'), '[profile.ci]\n[profile."a b"]\n')
    expect(await ask('login', '-p', '')).toBe('ci\t\na b\t\n')
    await writeFile(path.join(folder, 'config.toml'), 'broken')
    expect(await ask('login', '-p', '')).toBe('')
  })

  it.each([[['completion']], [['completion', 'tcsh']], [['completion', 'bash', 'zsh']]])(
    'refuses %j in words',
    async (argv) => {
      const { code, stderr } = await runLine(argv)
      expect([code, stderr]).toEqual([64, expect.stringContaining('name of a shell')])
    },
  )
})
