/** Query parameters that all lists share: prefix, delimiter, page size, encoding and token. */
import type { Query } from '../../../protocol/query.ts'
import { invalidArgument } from './errors.ts'

/** S3's maximum page size. A larger request gets this. */
export const maxListed = 1000

export interface CommonParameters {
  readonly prefix: string
  readonly delimiter: string
  readonly limit: number
  readonly encodingType: string | undefined
  encode(text: string): string
}

/** Reads the parameters that all lists share. @throws {AwsError} `InvalidArgument`. */
export function readCommon(query: Query, limitName = 'max-keys'): CommonParameters {
  const encodingType = query.get('encoding-type')
  if (encodingType !== undefined && encodingType.toLowerCase() !== 'url') {
    const argument = { name: 'encoding-type', value: encodingType }
    const sentence = 'Invalid Encoding Method specified in Request'
    throw invalidArgument(argument, 'encoding-type must be url', sentence)
  }
  const limitText = query.get(limitName) ?? ''
  if (!/^\d{0,10}$/.test(limitText) || Number(limitText) > 2 ** 31 - 1) {
    const sentence = /^-\d+$/.test(limitText)
      ? `Argument ${limitName} must be an integer between 0 and 2147483647`
      : `Provided ${limitName} not an integer or within integer range`
    const reason = `${limitName} must be a number from 0 to 2147483647`
    throw invalidArgument({ name: limitName, value: limitText }, reason, sentence)
  }
  return {
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    limit: limitText === '' ? maxListed : Math.min(Number(limitText), maxListed),
    encodingType,
    encode: encodingType === undefined ? (text) => text : encodeListed,
  }
}

/** Returns the delimiter for the list's document; without one there is no element (AWS, ListObjects, "Sample response"). */
export function encodeDelimiter({ delimiter, encode }: CommonParameters): string | undefined {
  return delimiter === '' ? undefined : encode(delimiter)
}

/** Percent-encodes a key, except `/`. A space becomes `%20`, which all clients decode, unlike `+`. */
function encodeListed(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replaceAll('%2F', '/')
    .replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** Returns a continuation token, opaque to clients. It contains the last name, so that the server needs no state. */
export function writeToken(name: string): string {
  return Buffer.from(name).toString('base64url')
}

/** @throws {AwsError} `InvalidArgument`. */
export function readToken(token: string): string {
  const name = Buffer.from(token, 'base64url').toString()
  if (token !== '' && writeToken(name) === token) return name
  throw invalidArgument(
    { name: 'continuation-token', value: token },
    'the continuation token is not one of ours',
    'The continuation token provided is incorrect',
  )
}
