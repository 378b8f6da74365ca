/** The scripts of `sts-cli completion` in the real shells: the candidates of Tab and the completed line. */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { type Home, openHome } from '../support/e2e/harness.ts'

let home: Home

beforeEach(async () => {
  home = await openHome()
  const folder = path.join(home.folder, '.config', 'sts-cli')
  await mkdir(folder, { recursive: true })
  await writeFile(path.join(folder, 'config.toml'), '[profile.ci]\n')
  await writeFile(path.join(home.folder, 'authority.pem'), '')
})

/** Returns a script that runs a terminal inside the shell: its Tab completes, prints the line in brackets and starts a new one. */
function pressTabInZsh(line: string): string {
  return `
zmodload zsh/zpty || exit 1
cd "$HOME"
zpty inner 'TERM=xterm PS1= zsh -f -i'
zpty -w inner 'autoload -Uz compinit; compinit -u -D; eval "$(sts-cli completion zsh)"'
zpty -w inner 'press() { zle complete-word; print -r -- "[$BUFFER]"; BUFFER= }; zle -N press; bindkey "^I" press; print re""ady'
zpty -r inner reply '*ready*' || exit 1
zpty -n -w inner ${quote(line)}$'\\t'
zpty -r inner reply '*\\[sts-cli *\\]*' || exit 1
zpty -d inner
reply=\${reply##*\\[sts-cli }
print -r -- "\${reply%%\\]*}"
`
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

describe('Tab in zsh', () => {
  it.each([
    ['a command', 'sts-cli logo', 'logout '],
    ['a flag', 'sts-cli login --idp', 'login --idp-endpoint '],
    ['a value', 'sts-cli login --grant dev', 'login --grant device-code '],
    ['a value behind an equals sign', 'sts-cli login --grant=dev', 'login --grant=device-code '],
    ['a profile', 'sts-cli login -p c', 'login -p ci '],
    ['a key', 'sts-cli config set iss', 'config set issuer '],
    ['a file', 'sts-cli login --ca-file auth', 'login --ca-file authority.pem '],
  ])('Tab in zsh completes %s', async (_what, line, completed) => {
    expect(await home.shell('zsh', pressTabInZsh(line))).toEqual({
      code: 0,
      stdout: `${completed}\n`,
      stderr: '',
    })
  })
})

describe('Tab in fish', () => {
  it.each([
    ['a command', 'sts-cli logo', 'logout\tforget the credentials\n'],
    ['a flag', 'sts-cli login --idp', '--idp-endpoint\ttoken endpoint\n'],
    ['a value', 'sts-cli login --grant dev', 'device-code\n'],
    ['a value behind an equals sign', 'sts-cli login --grant=dev', '--grant=device-code\n'],
    ['a profile', 'sts-cli login -p ', 'ci\n'],
    ['a key', 'sts-cli config set iss', 'issuer\n'],
    ['a file', 'sts-cli login --ca-file auth', 'authority.pem\n'],
  ])('Tab in fish offers %s', async (_what, line, offered) => {
    const script = `cd $HOME; sts-cli completion fish | source; complete -C ${quote(line)}`
    expect(await home.shell('fish', script)).toEqual({ code: 0, stdout: offered, stderr: '' })
  })
})

it.each([
  ['zsh', 'eval $(sts-cli env --shell sh --cache bogus) || echo failed'],
  ['fish', 'eval (sts-cli env --cache bogus --shell fish); or echo failed'],
])('the evaluation of a failed env fails in %s', async (shell, script) => {
  expect(await home.shell(shell, script)).toMatchObject({ stdout: 'failed\n' })
})
