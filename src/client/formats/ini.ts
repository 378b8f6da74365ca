import type { IssuedCredentials } from '../../protocol/credentials.ts'
import type { Format } from './format.ts'
import { defaultRegionOf, endpointOf, utcOf } from './environment.ts'
import { unsupportedValueError } from './format-errors.ts'

export type IniPair = readonly [key: string, value: string]

/** Renders a section for `~/.aws/credentials`. @throws {StsCliError} `ERR_DATA`. */
export const renderIni: Format = (credentials, options) => {
  const region = options.region ?? defaultRegionOf(credentials)
  const pairs = [
    ...credentialPairs(credentials),
    ...(options.hasEndpoint ? endpointPairs(credentials) : []),
    ...(region === undefined ? [] : [['region', region] as const]),
  ]
  return { text: `[${options.alias}]\n${pairs.map(renderPair).join('')}` }
}

/**
 * Returns the credentials as keys of a section. All readers know the first three; the fourth is for people, as other tools write it, and no
 * program reads it.
 *
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
 */
export function credentialPairs(credentials: IssuedCredentials): IniPair[] {
  return [
    ['aws_access_key_id', credentials.accessKeyId],
    ['aws_secret_access_key', credentials.secretAccessKey],
    ['aws_session_token', credentials.sessionToken],
    ['x_security_token_expires', utcOf(credentials)],
  ]
}

/** Returns the endpoint for all services of the profile; none at AWS. */
export function endpointPairs(credentials: Pick<IssuedCredentials, 'stsEndpoint'>): IniPair[] {
  const endpoint = endpointOf(credentials)
  return endpoint === undefined ? [] : [['endpoint_url', endpoint]]
}

function renderPair(pair: IniPair): string {
  checkPair(pair)
  return `${pair.join(' = ')}\n`
}

/** Checks a pair. @throws {StsCliError} `ERR_DATA` for a value with a line break, with spaces at an edge, or with text that some readers take for a comment. */
export function checkPair([key, value]: IniPair): void {
  if (/[\r\n\0]|^\s|\s$|\s[#;]/.test(value))
    throw unsupportedValueError('ini', `the value of ${key}`)
}
