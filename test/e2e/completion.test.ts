import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { openHome } from '../support/e2e/harness.ts'

/** Returns the candidates of bash for a line, with words split as readline splits them. */
function pressTab(words: readonly string[]): string {
  const quoted = words.map((word) => `'${word}'`).join(' ')
  return `eval "$(sts-cli completion bash)"; COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _sts_cli; printf '%s\\n' "\${COMPREPLY[@]}"`
}

describe('completion in bash', () => {
  it.each([
    ['a command', ['sts-cli', 'logi'], 'login\n'],
    ['a flag', ['sts-cli', 'login', '--idp'], '--idp-endpoint\n'],
    ['a value', ['sts-cli', 'login', '--grant', 'dev'], 'device-code\n'],
    ['a value behind an equals sign', ['sts-cli', 'login', '--grant', '=', 'dev'], 'device-code\n'],
    ['a profile', ['sts-cli', 'login', '-p', ''], 'ci\n'],
    ['nothing, so that bash offers files', ['sts-cli', 'login', '--ca-file', ''], '\n'],
  ])('completion in bash offers %s', async (_what, words, offered) => {
    const home = await openHome()
    const folder = path.join(home.folder, '.config', 'sts-cli')
    await mkdir(folder, { recursive: true })
    await writeFile(path.join(folder, 'config.toml'), '[profile.ci]\n')
    expect(await home.shell('bash', pressTab(words))).toEqual({
      code: 0,
      stdout: offered,
      stderr: '',
    })
  })
})
