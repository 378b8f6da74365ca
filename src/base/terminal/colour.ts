/** The door to chalk. Loaded only when colour was decided for, so it need not look at the terminal itself. */
import { Chalk } from 'chalk'

export const chalk = new Chalk({ level: 1 })
