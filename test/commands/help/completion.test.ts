import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { completeWords, completionShells } from '../../../src/commands/help/complete-words.ts'
import { optionTable, optionsOf } from '../../../src/commands/options/option-table.ts'
import { commandTable } from '../../../src/commands/options/command-table.ts'
import { makeFolder, runLine } from '../../support/commands/harness.ts'

/** Returns the candidates without their descriptions. */
function complete(...words: string[]): readonly string[] | 'files' {
  const found = completeWords(words, ['default', 'ci'])
  return found === 'files' ? found : found.map(({ text }) => text)
}

describe('completion candidates', () => {
  it('completion offers every command, and those with the typed prefix', () => {
    expect(complete('')).toEqual([...commandTable.map(({ name }) => name), 'help'])
    expect(complete('log')).toEqual(['login', 'logout'])
    expect(completeWords(['login'], [])).toEqual([
      { text: 'login', description: 'get temporary credentials and remember them' },
    ])
  })

  it.each(commandTable.map(({ name }) => name))('completion offers every flag of %s', (name) => {
    const offered = complete(name, '-')
    for (const option of optionsOf(name)) expect(offered).toContain(`--${option.name}`)
  })

  it('completion offers the quickstart flags without a command', () => {
    expect(complete('-c')).toEqual(['-cid', '-csec'])
    expect(complete('-cid', 'x', '-cs')).toEqual(['-csec'])
  })

  it('completion does not repeat a flag unless it may be repeated', () => {
    expect(complete('login', '-cid', 'x', '--client-i')).toEqual([])
    expect(complete('login', '--client-id=x', '-ci')).toEqual([])
    expect(complete('login', '--param', 'a=b', '--para')).toEqual(['--param'])
  })

  it('completion offers the values of a flag after a space or an equals sign', () => {
    expect(complete('login', '--grant', 'de')).toEqual(['device-code'])
    expect(complete('login', '--format=pro')).toEqual(['--format=process'])
    expect(complete('login', '-f', '')).toEqual(
      optionTable.find(({ name }) => name === 'format')?.choices,
    )
    expect(complete('login', '-p', '')).toEqual(['default', 'ci'])
    expect(complete('login', '--profile=c')).toEqual(['--profile=ci'])
  })

  it('completion offers files where a file is expected, and nothing for free text', () => {
    expect(complete('login', '--ca-file', '')).toBe('files')
    expect(complete('serve', '--policy', 'x')).toBe('files')
    expect(complete('serve', '')).toBe('files')
    expect(complete('exec', '--', 'aws', 's3')).toBe('files')
    expect(complete('login', '--scope', '')).toEqual([])
    expect(complete('login', '')).toEqual([])
  })

  it('completion offers the operands of config, help and completion', () => {
    expect(complete('config', 'g')).toEqual(['get'])
    expect(complete('config', 'set', 'iss')).toEqual(['issuer'])
    expect(complete('config', '-p', 'ci', 'get', 'iss')).toEqual(['issuer'])
    expect(complete('help', 'stat')).toEqual(['status'])
    expect(complete('completion', '')).toEqual([...completionShells])
  })
})

describe('values of an option', () => {
  it.each(optionTable.filter(({ choices }) => choices !== undefined))(
    'completion offers for --$name the values that its command accepts',
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
  it.each(completionShells)('completion prints a %s script that calls sts-cli', async (shell) => {
    const { code, stdout, stderr } = await runLine(['completion', shell])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/sts-cli completion candidates (--|'--') /)
  })

  it('completion candidates prints one line a candidate, including the profiles', async () => {
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
    'completion refuses %j with a message',
    async (argv) => {
      const { code, stderr } = await runLine(argv)
      expect([code, stderr]).toEqual([64, expect.stringContaining('name of a shell')])
    },
  )
})
