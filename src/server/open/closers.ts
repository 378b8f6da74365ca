/** Functions that close what was opened. The last runs first, when the server stops or its start fails. */
export type Closers = (() => Promise<void>)[]
