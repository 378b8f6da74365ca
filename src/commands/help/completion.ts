import { existsSync } from 'node:fs'
import { StsCliError } from '../../base/errors.ts'
import type { Io } from '../../base/io.ts'
import { locateConfig } from '../options/load-profile.ts'
import { completeWords, completionShells } from './complete-words.ts'
import { completionScripts } from './completion-scripts.ts'
import type { ParsedArgv } from '../options/parse-argv.ts'

/** `completion SHELL`: the script that a shell loads. `completion candidates -- WORDS` is what the scripts ask at each Tab. */
export async function runCompletion(parsed: ParsedArgv, io: Io): Promise<number> {
  const [word = '', ...more] = parsed.operands
  if (word === 'candidates' && parsed.command !== undefined) {
    io.writeStdout(await listCandidates(parsed, parsed.command, io))
    return 0
  }
  const shell = completionShells.find((name) => name === word)
  if (shell === undefined || more.length > 0 || parsed.command !== undefined) throw usage(word)
  io.writeStdout(completionScripts[shell])
  return 0
}

/** A line each, `TEXT<tab>DESCRIPTION`; `:files` alone where the shell is to complete paths. */
async function listCandidates(
  parsed: ParsedArgv,
  words: readonly string[],
  io: Io,
): Promise<string> {
  const found = completeWords(words, await listProfiles(parsed, io))
  if (found === 'files') return ':files\n'
  return found.map(({ text, description }) => `${text}\t${description}\n`).join('')
}

async function listProfiles(parsed: ParsedArgv, io: Io): Promise<string[]> {
  const { file } = locateConfig(parsed, io)
  if (file === undefined || !existsSync(file)) return []
  const { readConfigFile } = await import('../../client/config-file.ts')
  try {
    return [...(readConfigFile(file)?.profiles.keys() ?? [])]
  } catch (error) {
    // A broken configuration is named by the command that needs it, not while somebody types.
    if (error instanceof StsCliError) return []
    throw error
  }
}

function usage(word: string): StsCliError {
  const isOther = word !== '' && !completionShells.some((name) => name === word)
  const other = isOther ? `, and ${JSON.stringify(word)} is none that it knows` : ''
  return new StsCliError('ERR_USAGE', `completion takes the name of a shell${other}`, {
    hint: `use ${completionShells.join(', ')}`,
  })
}
