import { randomUUID } from 'node:crypto'
import type { IssuedCredentials } from '../../protocol/credentials.ts'
import type { Document, Format } from './format.ts'
import { environmentOf, utcOf } from './environment.ts'

/**
 * Renders for a step of GitHub Actions: masks for the log on stdout, then variables for the later steps in `$GITHUB_ENV`, and outputs in
 * `$GITHUB_OUTPUT`, named as those of AWS's own action. Masks come first: text printed before them is not hidden.
 *
 * @see https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
 */
export const renderGithub: Format = (credentials, options) => {
  const { set } = environmentOf(credentials, options)
  const appends: [string | undefined, readonly (readonly [string, string])[]][] = [
    [options.env['GITHUB_ENV'], set],
    [options.env['GITHUB_OUTPUT'], outputsOf(credentials)],
  ]
  return {
    text: renderMasks(credentials),
    appends: appends.flatMap(([path, pairs]) =>
      path === undefined || path === '' ? [] : [{ path, text: renderPairs(pairs) }],
    ),
  } satisfies Document
}

function renderMasks({ accessKeyId, secretAccessKey, sessionToken }: IssuedCredentials): string {
  const values = [accessKeyId, secretAccessKey, sessionToken].flatMap((value) => [
    value,
    JSON.stringify(value).slice(1, -1),
  ])
  return [...new Set(values)].map((value) => `::add-mask::${escapeCommand(value)}\n`).join('')
}

/** Escapes the data of a workflow command, as the runner unescapes it. */
function escapeCommand(value: string): string {
  return value.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function outputsOf(credentials: IssuedCredentials): [string, string][] {
  return [
    ['aws-access-key-id', credentials.accessKeyId],
    ['aws-secret-access-key', credentials.secretAccessKey],
    ['aws-session-token', credentials.sessionToken],
    ['aws-expiration', utcOf(credentials)],
  ]
}

/** Renders values between random delimiters, so that no value can end early and set other variables. The first line break is for an earlier step that wrote none; the runner skips empty lines. */
function renderPairs(pairs: readonly (readonly [string, string])[]): string {
  const blocks = pairs.map(([name, value]) => {
    const delimiter = `ghadelimiter_${randomUUID()}`
    return `${name}<<${delimiter}\n${value}\n${delimiter}\n`
  })
  return `\n${blocks.join('')}`
}
