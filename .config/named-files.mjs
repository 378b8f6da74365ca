/** The source files that the build names, below src. test/build.test.ts checks that each of them exists. */

/** Becomes the command's first chunk, with everything that it imports statically: enough for `env` when the credentials are cached. */
export const entryModule = 'run-process.ts'

/**
 * Become one chunk, with everything that they import statically and the entry does not. Nearly every command runs through `main.ts`; the three
 * others are small, and run at each start of a shell or call of an SDK.
 */
export const commonModules = [
  'main.ts',
  'commands/credential-process.ts',
  'commands/creds.ts',
  'commands/env.ts',
]

/** Renders the manual page. */
export const manualModule = 'commands/help/man-page.ts'
