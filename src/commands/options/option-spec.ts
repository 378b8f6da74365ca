/** The type of an option, and how the table defines one. */

/** The commands; `quickstart` is the form without a command, and no word on the command line. */
export type CommandName =
  | 'login'
  | 'token'
  | 'exchange'
  | 'creds'
  | 'env'
  | 'exec'
  | 'credential-process'
  | 'write'
  | 'status'
  | 'inspect'
  | 'logout'
  | 'watch'
  | 'explain'
  | 'policy'
  | 'config'
  | 'doctor'
  | 'completion'
  | 'serve'
  | 'quickstart'

export interface OptionSpec {
  /** Long name without dashes. */
  readonly name: string
  readonly aliases: readonly string[]
  readonly kind: 'value' | 'boolean' | 'list'
  /** The value's name in the help; undefined for booleans. */
  readonly placeholder: string | undefined
  /** Variables that give it: `STS_CLI_*` first, then those of other programs. */
  readonly env: readonly string[]
  readonly default: string | undefined
  /** The words it takes; undefined where it takes any text. */
  readonly choices: readonly string[] | undefined
  readonly description: string
  /** Heading in the help. */
  readonly group: string
  readonly commands: readonly CommandName[]
}

interface OptionExtras {
  readonly env?: readonly string[]
  readonly default?: string
  readonly choices?: readonly string[]
  /** The commands that take it, when they differ from the group's. */
  readonly commands?: readonly CommandName[]
}

/** Defines one option: `'cid, client-id ID'` is a value with an alias, `'param K=V…'` a list, `'quiet'` a boolean; the last name is the long one. */
export type DefineOption = (names: string, description: string, extras?: OptionExtras) => OptionSpec

/** Returns what defines the options of one group, for the group's commands unless an option names others. */
export function defineGroup(group: string, commands: readonly CommandName[]): DefineOption {
  return (text, description, extras = {}) => {
    const { names, placeholder } = splitNames(text)
    const isList = placeholder?.endsWith('…') === true
    return {
      name: names.at(-1) ?? '',
      aliases: names.slice(0, -1),
      kind: placeholder === undefined ? 'boolean' : isList ? 'list' : 'value',
      placeholder: placeholder?.replace('…', ''),
      env: extras.env ?? [],
      default: extras.default,
      choices: extras.choices,
      description,
      group,
      commands: extras.commands ?? commands,
    }
  }
}

/** Splits names and placeholder, which is in capitals; without a regular expression, because this runs at every start. */
function splitNames(text: string): { names: string[]; placeholder: string | undefined } {
  const at = text.lastIndexOf(' ')
  const first = text.charAt(at + 1)
  if (at === -1 || first < 'A' || first > 'Z')
    return { names: text.split(', '), placeholder: undefined }
  return { names: text.slice(0, at).split(', '), placeholder: text.slice(at + 1) }
}

/** Writes words as a sentence does: `a, b or c`. */
export function listWords(words: readonly string[]): string {
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}`
}
