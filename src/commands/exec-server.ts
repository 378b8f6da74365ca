/** `exec --server`: an endpoint on this machine gives the command fresh credentials whenever it asks. */
import { formatDuration } from '../base/duration.ts'
import { StsCliError } from '../base/errors.ts'
import type { Io } from '../base/io.ts'
import { findConflictingProfiles } from '../client/aws-files.ts'
import { startCredentialServer } from '../client/credential-server.ts'
import { openLease } from '../client/lease.ts'
import type { IssuedCredentials } from '../protocol/credentials.ts'

export interface ServeCredentialsOptions {
  readonly first: IssuedCredentials
  readonly renew: (minTtlSeconds: number) => Promise<IssuedCredentials>
  readonly isQuiet: boolean
}

export interface ServedCredentials {
  readonly set: readonly (readonly [string, string])[]
  readonly unset: readonly string[]
  stop(): void
}

/** Variables that SDKs use instead of the endpoint, in addition to those that `env` unsets. */
const shadowing = [
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_CREDENTIAL_EXPIRATION',
  'AWS_DEFAULT_PROFILE',
  'AWS_CREDENTIAL_FILE',
  'AWS_ROLE_ARN',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
]

/**
 * Hides files whose default profile has credentials from SDKs: these would win, and the command would silently have another identity. Other
 * files stay, for their regions and named profiles.
 */
function hideConflictingProfiles(io: Io, isQuiet: boolean): (readonly [string, string])[] {
  return findConflictingProfiles(io).map(({ file, variable }) => {
    if (!isQuiet)
      io.writeStderr(`note: [default] in ${file} has credentials, so --server hides that file\n`)
    return [variable, io.platform === 'win32' ? 'NUL' : '/dev/null']
  })
}

/**
 * Starts the endpoint.
 *
 * @throws {StsCliError} `ERR_UNAVAILABLE` when this machine has no port for it; `ERR_DATA`, `ERR_INPUT` for a file in `~/.aws` that cannot be read.
 */
export async function serveCredentials(
  { first, renew, isQuiet }: ServeCredentialsOptions,
  io: Io,
): Promise<ServedCredentials> {
  const hidden = hideConflictingProfiles(io, isQuiet)
  const report = (error: unknown, remainingMs: number): void => {
    if (isQuiet) return
    const why = error instanceof Error ? error.message : 'unknown reason'
    const left = formatDuration(remainingMs / 1000)
    io.writeStderr(`warning: the credentials were not renewed (${why}); ${left} left\n`)
  }
  const lease = openLease({
    first,
    renew,
    report,
    nowMs: () => io.nowMs(),
    monotonicMs: () => performance.now(),
  })
  try {
    const server = await startCredentialServer(() => lease.current())
    return {
      set: [
        ['AWS_CONTAINER_CREDENTIALS_FULL_URI', server.url],
        ['AWS_CONTAINER_AUTHORIZATION_TOKEN', server.token],
        ...hidden,
      ],
      unset: shadowing,
      stop() {
        server.close()
        lease.stop()
      },
    }
  } catch (cause) {
    lease.stop()
    throw new StsCliError('credential-server-unavailable', '127.0.0.1 has no port for --server', {
      cause,
    })
  }
}
