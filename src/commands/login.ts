import type { Io } from '../base/io.ts'
import { formatDuration } from '../base/duration.ts'
import { obtainCredentials } from '../client/flow/obtain-credentials.ts'
import { ownCommand } from '../client/own-command.ts'
import { detectShell, type ShellName } from '../client/formats/shells.ts'
import { findSimilarProfile } from './flow/check-profile.ts'
import { readObtainOptions } from './flow/obtain-options.ts'
import { withServeDefaults } from './flow/with-serve-defaults.ts'
import type { ParsedArgv } from './options/parse-argv.ts'
import { checkOutput, renderCredentials, writeDocument } from './flow/print-credentials.ts'

/** `login`: token from the IdP, traded at the STS, remembered; prints what the quickstart prints. */
export async function runLogin(parsed: ParsedArgv, io: Io): Promise<number> {
  const settings = withServeDefaults(parsed, io)
  checkOutput(settings, io)
  const options = await readObtainOptions(settings, io)
  // Said in spite of --quiet: such a login would end well and have done nothing.
  if (options.cache.directory === undefined && settings.get('cache') !== 'none')
    io.writeStderr(
      'warning: there is no home folder, so nothing is remembered; set HOME or XDG_CACHE_HOME\n',
    )
  const note = (line: string): void => {
    if (!settings.has('quiet')) io.writeStderr(`${line}\n`)
  }
  const similar = findSimilarProfile(parsed, io)
  if (similar !== undefined)
    note(
      `there is no profile ${options.cache.profile} in the configuration; did you mean ${similar}?`,
    )
  // Whoever logs in wants to see that it works now, not that it worked before.
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

/** How the shell that called us takes the credentials over. */
function describeNext(profile: string, io: Io): string {
  const command = ownCommand('env', profile)
  const forms: Readonly<Record<ShellName, string>> = {
    sh: `eval $(${command})`,
    fish: `${command} | source`,
    powershell: `${command} | Out-String | Invoke-Expression`,
    cmd: command,
  }
  return forms[detectShell(io.env, io.platform)]
}
