/** `config init`: asks for what a login needs, checks it as `doctor` does, and writes the profile. */
import { StsCliError } from '../base/errors.ts'
import type { Io, Prompter } from '../base/io.ts'
import { diagnose } from './doctor/diagnose.ts'
import { discoverProvider } from '../client/discover-provider.ts'
import { setProfileValue, writeConfigFile } from '../client/set-profile-value.ts'
import { readConfigText } from '../client/config-file.ts'
import { chooseProfile } from './options/load-profile.ts'
import { renderCheck } from './doctor/doctor.ts'
import { readNetOptions, readObtainOptions } from './flow/obtain-options.ts'
import { previewSettings } from './flow/preview-settings.ts'
import { optionsOf } from './options/option-table.ts'
import type { Settings } from './options/settings.ts'

export interface InitOptions {
  readonly settings: Settings
  /** The configuration file. */
  readonly file: string
}

type Answers = ReadonlyMap<string, string>

/** The user pressed Ctrl-C or Escape at a question. */
class Cancelled extends Error {}

/**
 * Asks, checks and writes. When the user leaves on the way, nothing is written, and the exit code is that of Ctrl-C.
 *
 * @throws {StsCliError} `ERR_USAGE` where there is no terminal, `ERR_CANNOT_CREATE`.
 */
export async function runConfigInit({ settings, file }: InitOptions, io: Io): Promise<number> {
  if (io.openPrompter === undefined)
    throw new StsCliError(
      'terminal-missing',
      'config init asks, and there is no terminal to ask at',
      {
        hint: 'sts-cli config set KEY VALUE needs none',
      },
    )
  const prompter = await io.openPrompter()
  try {
    const answers = await ask(prompter, settings, io)
    const isSound = await tryOut(answers, settings, io)
    if (
      !isSound &&
      !answered(
        await prompter.confirm('Something is not right yet. Keep the profile all the same?'),
      )
    )
      return 1
    const profile = chooseProfile(settings.parsed, io)
    let text = readConfigText(file) ?? ''
    for (const [key, value] of answers) text = setProfileValue(text, { profile, key, value }, file)
    writeConfigFile(file, text)
    const flag = profile === 'default' ? '' : ` -p ${profile}`
    io.writeStderr(`kept in ${file}; next: sts-cli login${flag}\n`)
    return 0
  } catch (error) {
    if (!(error instanceof Cancelled)) throw error
    io.writeStderr('nothing was written\n')
    return 130
  }
}

async function ask(prompter: Prompter, settings: Settings, io: Io): Promise<Answers> {
  const answers = new Map<string, string>()
  const grant = answered(
    await prompter.choose('Who logs in?', [
      { value: 'client-credentials', label: 'a program, with a client secret' },
      { value: 'browser', label: 'a person, in a browser on this machine' },
      { value: 'device-code', label: 'a person, in a browser elsewhere (a code is shown)' },
    ]),
  )
  if (grant !== 'client-credentials') answers.set('grant', grant)
  const message = 'Address of the identity provider: its issuer, or its token endpoint'
  const address = answered(await prompter.askText({ message, check: checkUrl }))
  answers.set(await classify(address, settings, io), address)
  const clientId = await prompter.askText({ message: 'Client id', check: checkFilled })
  answers.set('client-id', answered(clientId))
  if (grant === 'client-credentials') await askForSecret(prompter, answers)
  const initial = 'http://localhost:9000'
  const sts = await prompter.askText({ message: 'Address of the STS', initial, check: checkUrl })
  answers.set('sts-endpoint', answered(sts))
  return answers
}

/** Asks where the secret is: best in another program; a secret in the profile needs a file of mode 0600. */
async function askForSecret(prompter: Prompter, answers: Map<string, string>): Promise<void> {
  const source = answered(
    await prompter.choose('Where is the client secret?', [
      { value: 'client-secret-command', label: 'a command prints it (a password manager)' },
      { value: 'client-secret-file', label: 'in a file' },
      { value: 'client-secret', label: 'I type it now; it is kept in the profile (0600)' },
      { value: 'none', label: 'ask for it at each login' },
    ]),
  )
  if (source === 'none') return
  const what = source === 'client-secret-command' ? 'The command' : 'The file'
  const answer =
    source === 'client-secret'
      ? await prompter.askSecret('Client secret')
      : await prompter.askText({ message: what, check: checkFilled })
  answers.set(source, answered(answer))
}

/** Returns the key for the address: an issuer has a discovery document. */
async function classify(address: string, settings: Settings, io: Io): Promise<string> {
  try {
    await discoverProvider(address, readNetOptions(preview(settings, new Map(), io), io))
    return 'issuer'
  } catch (error) {
    if (error instanceof StsCliError) return 'idp-endpoint'
    throw error
  }
}

/** Shows the checks of a login with the answers, and returns whether none fails. */
async function tryOut(answers: Answers, settings: Settings, io: Io): Promise<boolean> {
  const options = await readObtainOptions(preview(settings, answers, io), io)
  let isSound = true
  for await (const check of diagnose(options, io)) {
    io.writeStderr(renderCheck(check))
    isSound &&= check.level !== 'fail'
  }
  return isSound
}

/** Returns the settings that a login would have with the answers as its profile. */
function preview(settings: Settings, answers: Answers, io: Io): Settings {
  const profile = new Map([...answers].map(([key, value]) => [key, { value }]))
  return previewSettings(settings, { options: optionsOf('doctor'), profile }, io)
}

function answered<T>(answer: T | undefined): T {
  if (answer === undefined) throw new Cancelled()
  return answer
}

function checkUrl(text: string): string | undefined {
  const isUrl = URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
  return isUrl ? undefined : 'an http or https address, such as https://sso.example.com/realms/main'
}

function checkFilled(text: string): string | undefined {
  return text.trim() === '' ? 'something must stand here' : undefined
}
