/** The completions at the cursor. The shells' scripts ask for them at each Tab, so they know every flag of the installed version. */
import { commandTable } from '../options/command-table.ts'
import type { OptionSpec } from '../options/option-spec.ts'
import { optionsOf } from '../options/option-table.ts'
import { profileOptions } from '../options/read-profile.ts'

export interface Candidate {
  readonly text: string
  readonly description: string
}

/** `files`: the shell completes paths. */
export type Completion = readonly Candidate[] | 'files'

export const completionShells = ['bash', 'zsh', 'fish', 'powershell'] as const

/** The operands of each command, by position; operands that cannot be listed are missing. */
const operands: Readonly<Record<string, readonly (readonly string[] | 'files')[]>> = {
  help: [commandTable.map(({ name }) => name)],
  config: [
    ['path', 'list', 'get', 'set', 'init'],
    ['extends', ...profileOptions.map(({ name }) => name)],
  ],
  completion: [completionShells],
  serve: ['files'],
}

/**
 * Returns the completions.
 *
 * @param words The words after `sts-cli`, up to the one at the cursor (empty after a space).
 * @param profiles Names from the configuration.
 */
export function completeWords(words: readonly string[], profiles: readonly string[]): Completion {
  const current = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  if (before.includes('--')) return 'files'
  if (before.length === 0 && !current.startsWith('-')) return filter(describeCommands(), current)
  const command = commandTable.find(({ name }) => name === before[0])?.name ?? 'quickstart'
  const options = optionsOf(command)
  const [flag, attached] = splitAttached(current)
  if (attached !== undefined) {
    const values = completeValue(findOption(options, flag), attached, profiles)
    return values === 'files'
      ? values
      : values.map((value) => ({ ...value, text: `${flag}=${value.text}` }))
  }
  const previous = findOption(options, before.at(-1) ?? '')
  if (previous !== undefined && previous.kind !== 'boolean')
    return completeValue(previous, current, profiles)
  if (current.startsWith('-')) return filter(describeFlags(options, before), current)
  return completeOperand(before, options, current)
}

function describeCommands(): Candidate[] {
  const named = commandTable.map(({ name, summary }) => ({ text: name, description: summary }))
  return [...named, { text: 'help', description: 'the page of a command' }]
}

/** Lists flags that are not given yet, each by its long name and by its names in the quickstart. */
function describeFlags(options: readonly OptionSpec[], before: readonly string[]): Candidate[] {
  const given = new Set(before.map((word) => findOption(options, splitAttached(word)[0])?.name))
  return options
    .filter(({ name, kind }) => kind === 'list' || !given.has(name))
    .flatMap(({ name, aliases, description }) => {
      const spellings = [
        `--${name}`,
        ...aliases.filter((alias) => alias.length > 1).map((alias) => `-${alias}`),
      ]
      return spellings.map((text) => ({ text, description }))
    })
}

function completeValue(
  option: OptionSpec | undefined,
  current: string,
  profiles: readonly string[],
): Completion {
  if (option === undefined) return []
  if (option.name === 'profile') return filter(profiles.map(toCandidate), current)
  if (option.choices !== undefined) return filter(option.choices.map(toCandidate), current)
  return option.placeholder?.includes('FILE') === true ? 'files' : []
}

function completeOperand(
  [command = '', ...rest]: readonly string[],
  options: readonly OptionSpec[],
  current: string,
): Completion {
  const isOperand = (word: string, index: number): boolean => {
    const option = findOption(options, rest[index - 1] ?? '')
    return !word.startsWith('-') && (option === undefined || option.kind === 'boolean')
  }
  const choices = operands[command]?.[rest.filter(isOperand).length] ?? []
  return choices === 'files' ? choices : filter(choices.map(toCandidate), current)
}

function findOption(options: readonly OptionSpec[], word: string): OptionSpec | undefined {
  if (!word.startsWith('-')) return undefined
  const name = word.replace(/^--?/, '')
  return options.find((option) => option.name === name || option.aliases.includes(name))
}

function splitAttached(word: string): [string, string | undefined] {
  const at = word.startsWith('-') ? word.indexOf('=') : -1
  return at === -1 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)]
}

function toCandidate(text: string): Candidate {
  return { text, description: '' }
}

function filter(candidates: readonly Candidate[], current: string): Candidate[] {
  return candidates.filter(({ text }) => text.startsWith(current))
}
