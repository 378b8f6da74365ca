/** A person's name and password. The password is never on the command line, which other users can read. */
import { StsCliError } from '../../base/errors.ts'
import type { Io } from '../../base/io.ts'
import { checkSecret, readSecretFile, type Settings } from '../options/settings.ts'

/**
 * Reads `--username`, and the password from `--password-file` (`-` is stdin) or a hidden prompt.
 *
 * @throws {StsCliError} `ERR_USAGE` when one is not given and there is no terminal to prompt at.
 */
export async function readUserPassword(
  settings: Settings,
  io: Io,
): Promise<{ username: string; password: string }> {
  const username = settings.get('username') ?? ''
  if (username === '')
    throw new StsCliError('username-missing', 'no user name is given', {
      stage: 'config',
      hint: 'use --username NAME',
    })
  return { username, password: await readPassword(settings, io) }
}

async function readPassword(settings: Settings, io: Io): Promise<string> {
  const file = settings.get('password-file')
  if (file === '-') return checkSecret((await io.readStdin(64 * 1024)).trim(), 'password')
  if (file !== undefined) return readSecretFile(file, 'password')
  if (io.askSecret !== undefined && !settings.has('no-input'))
    return checkSecret(await io.askSecret('password: '), 'password')
  throw new StsCliError(
    'password-missing',
    'no password is given, and there is no terminal to ask at',
    {
      stage: 'config',
      hint: 'use --password-file',
    },
  )
}
