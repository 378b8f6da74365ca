import type { Io } from '../base/io.ts'
import { formatDuration } from '../base/duration.ts'
import { obtainCredentials } from '../client/flow/obtain-credentials.ts'
import { suggestCommand } from './hints/suggest-command.ts'
import { detectShell, type ShellName } from '../client/formats/shells.ts'
import { findSimilarProfile } from './flow/check-profile.ts'
import { readObtainOptions } from './flow/obtain-options.ts'
import { withServeDefaults } from './flow/with-serve-defaults.ts'
import type { Settings } from './options/settings.ts'
import { checkOutput, renderCredentials, writeDocument } from './flow/print-credentials.ts'

/** `login`: gets a token from the identity provider, exchanges it at the STS, caches the credentials, and prints what the quickstart prints. */
export async function runLogin(own: Settings, io: Io): Promise<number> {
  const settings = withServeDefaults(own, io)
  checkOutput(settings, io)
  const options = await readObtainOptions(settings, io)
  // Written in spite of --quiet: otherwise such a login would succeed and have done nothing.
  if (options.cache.directory === undefined && settings.get('cache') !== 'none')
    io.writeStderr(
      'warning: there is no home folder, so nothing is remembered; set HOME or XDG_CACHE_HOME\n',
    )
  const note = (line: string): void => {
    if (!settings.has('quiet')) io.writeStderr(`${line}\n`)
  }
  const similar = findSimilarProfile(own)
  if (similar !== undefined)
    note(
      `there is no profile ${options.cache.profile} in the configuration; did you mean ${similar}?`,
    )
  // A login shows that it works now, so cached credentials do not count.
  const credentials = await obtainCredentials(
    { ...options, cache: { ...options.cache, isRefresh: true, note } },
    io,
  )
  if (!settings.has('quiet') || settings.get('output') !== undefined) {
    const isDocument =
      settings.getExplicit('format') !== undefined ||
      settings.has('json') ||
      settings.get('field') !== undefined
    const document = await renderCredentials(credentials, settings, io)
    const heading = isDocument ? '' : '##### Credentials\n'
    writeDocument({ ...document, text: `${heading}${document.text}` }, settings, io)
  }
  if (!settings.has('quiet') && io.isTty.stderr) {
    const left = formatDuration((credentials.expiresAtMs - io.nowMs()) / 1000)
    io.writeStderr(`valid for ${left}; next: ${describeNext(options.cache.profile, io)}\n`)
  }
  return 0
}

/** Returns the command that sets the credentials in the calling shell. */
function describeNext(profile: string, io: Io): string {
  const command = suggestCommand('env', profile)
  const forms: Readonly<Record<ShellName, string>> = {
    sh: `eval $(${command})`,
    fish: `${command} | source`,
    powershell: `${command} | Out-String | Invoke-Expression`,
    cmd: command,
  }
  return forms[detectShell(io.env, io.platform)]
}
