import { existsSync } from 'node:fs'
import { StsCliError } from '../../base/errors.ts'
import type { Io } from '../../base/io.ts'
import { locateConfig } from '../options/load-profile.ts'
import { completeWords, completionShells } from './complete-words.ts'
import { completionScripts } from './completion-scripts.ts'
import type { Settings } from '../options/settings.ts'

/** `completion SHELL`: prints the script that a shell loads. The scripts call `completion candidates -- WORDS` at each Tab. */
export async function runCompletion(settings: Settings, io: Io): Promise<number> {
  const { operands, command } = settings
  const [word = '', ...more] = operands
  if (word === 'candidates' && command !== undefined) {
    io.writeStdout(await listCandidates(settings, command, io))
    return 0
  }
  const shell = completionShells.find((name) => name === word)
  if (shell === undefined || more.length > 0 || command !== undefined) throw shellError(word)
  io.writeStdout(completionScripts[shell])
  return 0
}

/** Returns a line for each candidate, `TEXT<tab>DESCRIPTION`, or only `:files` where the shell completes paths. */
async function listCandidates(
  settings: Settings,
  words: readonly string[],
  io: Io,
): Promise<string> {
  const found = completeWords(words, await listProfiles(settings, io))
  if (found === 'files') return ':files\n'
  return found.map(({ text, description }) => `${text}\t${description}\n`).join('')
}

async function listProfiles({ parsed }: Settings, io: Io): Promise<string[]> {
  const { file } = locateConfig(parsed, io)
  if (file === undefined || !existsSync(file)) return []
  const { readConfigFile } = await import('../../client/config-file.ts')
  try {
    return [...(readConfigFile(file)?.profiles.keys() ?? [])]
  } catch (error) {
    // The command that needs a broken configuration reports it, not the completion.
    if (error instanceof StsCliError) return []
    throw error
  }
}

function shellError(word: string): StsCliError {
  const isOther = word !== '' && !completionShells.some((name) => name === word)
  const other = isOther ? `, and ${JSON.stringify(word)} is none that it knows` : ''
  return new StsCliError('shell-unknown', `completion takes the name of a shell${other}`, {
    hint: `use ${completionShells.join(', ')}`,
  })
}
