/** The adapter of chalk. Loaded only after the decision for colour, so it need not check the terminal itself. */
import { Chalk } from 'chalk'

export const chalk = new Chalk({ level: 1 })
