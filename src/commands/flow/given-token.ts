/** Tokens that need no login: from a flag, a file or a variable, printed by a command, or given to a job by its CI system. */
import { StsCliError } from '../../base/errors.ts'
import type { Io } from '../../base/io.ts'
import { isLoopback } from '../../base/http/loopback.ts'
import type { TokenSource } from '../../client/token/obtain-token.ts'
import { checkSecret, chooseOne, readSecretFile, type Settings } from '../options/settings.ts'
import { tokenFlags } from './secret-and-token-flags.ts'

/** The token of a pod's service account, where no token for the STS was projected. */
const podTokenFile = '/var/run/secrets/kubernetes.io/serviceaccount/token'
/** The variable in GitLab's documentation; a job's `id_tokens` may name another. */
const gitlabVariable = 'GITLAB_OIDC_TOKEN'
const maxTokenBytes = 256 * 1024

/** Returns the source of the token that flags or variables give; undefined where none does. @throws {StsCliError} `ERR_USAGE`, `ERR_INPUT`, `ERR_DATA`, `ERR_CONFIG`. */
export async function readGivenToken(settings: Settings, io: Io): Promise<TokenSource | undefined> {
  const chosen = chooseOne(settings, ...tokenFlags)
  const given = chosen === undefined ? '' : (settings.getExplicit(chosen) ?? '')
  if (chosen === 'token') return toSource(given === '-' ? await io.readStdin(maxTokenBytes) : given)
  if (chosen === 'token-command') return { grant: 'token-command', command: given }
  if (chosen === 'token-env') return readVariable(given, io)
  // A variable for AWS's own SDKs must not override a client that the user named.
  const isClientNamed = settings.getExplicit('client-id') !== undefined
  const file = isClientNamed ? settings.getExplicit('token-file') : settings.get('token-file')
  return file === undefined ? undefined : toSource(readSecretFile(file, 'token'))
}

function toSource(text: string): TokenSource {
  return { grant: 'token', token: checkSecret(text.trim(), 'token') }
}

function readVariable(name: string, io: Io, hint?: string): TokenSource {
  const text = io.env[name]
  if (text !== undefined && text.trim() !== '') return toSource(text)
  throw new StsCliError('token-variable-empty', `the variable ${name} holds no token`, {
    stage: 'config',
    hint,
  })
}

/** Reads GitLab's ID token from the variable that the job names. @throws {StsCliError} `ERR_CONFIG` when it is not set. */
export function readGitlabToken(settings: Settings, io: Io): TokenSource {
  const name = settings.getExplicit('token-env') ?? gitlabVariable
  return readVariable(
    name,
    io,
    `give the job «id_tokens: { ${name}: { aud: … } }», or name its variable with --token-env`,
  )
}

/** Reads a pod's token from its file. @throws {StsCliError} `ERR_INPUT` when there is none. */
export function readKubernetesToken(settings: Settings): TokenSource {
  const file = settings.get('token-file') ?? podTokenFile
  try {
    return toSource(readSecretFile(file, 'token'))
  } catch (error) {
    if (!(error instanceof StsCliError)) throw error
    throw new StsCliError(error.reason, error.message, {
      stage: 'config',
      hint: 'project a serviceAccountToken with the STS’s audience into the pod, and name it with --token-file',
      cause: error,
    })
  }
}

/** Reads where GitHub's runner gives tokens to jobs. @throws {StsCliError} `ERR_CONFIG` when this job has no permission. */
export function readGithubActions(settings: Settings, io: Io): TokenSource {
  const requestUrl = io.env['ACTIONS_ID_TOKEN_REQUEST_URL'] ?? ''
  const requestToken = io.env['ACTIONS_ID_TOKEN_REQUEST_TOKEN'] ?? ''
  if (requestUrl === '' || requestToken === '')
    throw new StsCliError(
      'github-job-without-token',
      'this is no GitHub Actions job that may ask for a token',
      {
        stage: 'config',
        hint: 'give the job «permissions: { id-token: write }»',
      },
    )
  const isTrusted =
    URL.canParse(requestUrl) && (requestUrl.startsWith('https:') || isLoopback(requestUrl))
  if (!isTrusted)
    throw new StsCliError(
      'github-request-url-invalid',
      'ACTIONS_ID_TOKEN_REQUEST_URL is no https URL',
      {
        stage: 'config',
      },
    )
  return {
    grant: 'github-actions',
    requestUrl,
    requestToken,
    audience: settings.get('audience'),
  }
}
