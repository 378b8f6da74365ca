/** The adapter of @clack/prompts: prompts on stderr, since stdout is for programs. */
import type { Writable } from 'node:stream'
import { confirm, isCancel, password, select, text } from '@clack/prompts'
import type { Prompter } from '../io.ts'

/** Opens a prompter on the terminal behind `output`. */
export function createPrompter(output: Writable): Prompter {
  return {
    async askText({ message, initial, check }) {
      const options = initial === undefined ? {} : { initialValue: initial }
      const validate = (answer: string | undefined): string | undefined => check?.(answer ?? '')
      return orUndefined(await text({ message, ...options, validate, output }))
    },
    askSecret: async (message) => orUndefined(await password({ message, output })),
    async choose(message, choices) {
      const options = choices.map(({ value, label }) => ({ value, label }))
      return orUndefined(await select<string>({ message, options, output }))
    },
    confirm: async (message) => orUndefined(await confirm({ message, output })),
  }
}

function orUndefined<T>(answer: T): Exclude<T, symbol> | undefined {
  return isCancel(answer) ? undefined : (answer as Exclude<T, symbol>)
}
