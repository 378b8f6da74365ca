import type { IssuedCredentials } from '../../protocol/credentials.ts'
import type { Format } from './format.ts'
import { defaultRegionOf, endpointOf, utcOf } from './environment.ts'
import { refuseValue } from './refuse-value.ts'

export type IniPair = readonly [key: string, value: string]

/** A section as `~/.aws/credentials` has it. @throws {StsCliError} `ERR_DATA`. */
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
 * The credentials as keys of a section. Readers agree on the first three; the fourth is what other tools leave for people to see, and
 * nothing reads it.
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

/** The endpoint of all services of the profile; none at AWS. */
export function endpointPairs(credentials: Pick<IssuedCredentials, 'stsEndpoint'>): IniPair[] {
  const endpoint = endpointOf(credentials)
  return endpoint === undefined ? [] : [['endpoint_url', endpoint]]
}

function renderPair(pair: IniPair): string {
  checkPair(pair)
  return `${pair.join(' = ')}\n`
}

/** @throws {StsCliError} `ERR_DATA` for a value with a line break, an edge of spaces, or what some readers take for a comment. */
export function checkPair([key, value]: IniPair): void {
  if (/[\r\n\0]|^\s|\s$|\s[#;]/.test(value))
    refuseValue('ini', `the value of ${key}`, 'use sts-cli exec, or credential_process')
}
