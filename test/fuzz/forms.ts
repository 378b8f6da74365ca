/** Correctly signed requests of each form, the changes to them, and their meaning. */
import { createHash, createHmac } from 'node:crypto'
import fc from 'fast-check'
import type { Credentials } from '../../src/protocol/credentials.ts'
import { signChunk } from '../../src/protocol/sigv4/chunk-signature.ts'
import { deriveSigningKey } from '../../src/protocol/sigv4/signing-key.ts'
import { presignUrl, signRequest } from '../../src/protocol/sigv4/sign.ts'
import { applyEdit, edit } from './budget.ts'
import { region, type Stack } from './stack.ts'
import type { Message } from './wire.ts'

/** The parts of a stack that signing needs. */
export type Signing = Pick<Stack, 'host' | 'root' | 'session' | 'sign'>

const sha256 = (text: string): string => createHash('sha256').update(text, 'latin1').digest('hex')

/** Returns correctly signed requests, one of each form, as root and as a session. */
export function makeForms(stack: Signing): Readonly<Record<string, () => Message>> {
  const form = 'Action=AssumeRole&Version=2011-06-15&DurationSeconds=900'
  const formHeaders = [['content-type', 'application/x-www-form-urlencoded']] as const
  const forms: Record<string, () => Message> = {
    'AssumeRole in a form': () =>
      stack.sign(
        { method: 'POST', path: '/', headers: formHeaders, body: form },
        stack.root,
        'sts',
      ),
  }
  for (const [who, credentials] of Object.entries({ root: stack.root, session: stack.session })) {
    forms[`GET by ${who}`] = () => stack.sign({ path: '/bucket/key' }, credentials)
    forms[`GET of a list by ${who}`] = () =>
      stack.sign({ path: '/bucket', query: 'list-type=2&prefix=ke&max-keys=5' }, credentials)
    forms[`PUT by ${who}`] = () =>
      stack.sign(
        {
          method: 'PUT',
          path: '/bucket/written',
          headers: [['x-amz-meta-colour', 'blue']],
          body: 'new content',
        },
        credentials,
      )
    forms[`PUT in signed chunks by ${who}`] = () => signChunks(stack, credentials)
    forms[`GET by a presigned URL of ${who}`] = () =>
      presign(stack, 'GET', '/bucket/key', credentials)
    forms[`GET by a presigned URL of version 2 of ${who}`] = () => presignV2(stack, credentials)
    forms[`PUT by a presigned URL of ${who}`] = () => ({
      ...presign(stack, 'PUT', '/bucket/written', credentials),
      body: 'new content',
    })
  }
  return forms
}

function presign(stack: Signing, method: string, path: string, credentials: Credentials): Message {
  const options = { region, service: 's3', nowMs: Date.now(), expiresSeconds: 300 } as const
  const url = presignUrl(
    { method, url: new URL(path, `http://${stack.host}`) },
    credentials,
    options,
  )
  return {
    method,
    path: url.pathname,
    query: url.search.slice(1),
    headers: [['host', stack.host]],
    body: '',
  }
}

/** Presigns as boto3 still does (AWS, "Signing and authenticating REST requests", query string request authentication alternative). */
function presignV2(stack: Signing, credentials: Credentials): Message {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials
  const expires = Math.floor(Date.now() / 1000) + 300
  const amz = sessionToken === undefined ? '' : `x-amz-security-token:${sessionToken}\n`
  const text = `GET\n\n\n${expires}\n${amz}/bucket/key`
  const query = new URLSearchParams({
    AWSAccessKeyId: accessKeyId,
    Signature: createHmac('sha1', secretAccessKey).update(text).digest('base64'),
    Expires: String(expires),
    ...(sessionToken !== undefined && { 'x-amz-security-token': sessionToken }),
  })
  const headers = [['host', stack.host]] as const
  return { method: 'GET', path: '/bucket/key', query: query.toString(), headers, body: '' }
}

/** Signs in `aws-chunked`, each chunk over the one before (Amazon S3, "Transferring payload in multiple chunks"). */
function signChunks(stack: Signing, credentials: Credentials): Message {
  const path = '/bucket/written'
  const headers = { 'content-encoding': 'aws-chunked', 'x-amz-decoded-content-length': '11' }
  const url = { host: stack.host, pathname: path, search: '' }
  const payloadHash = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'
  const options = { region, service: 's3', nowMs: Date.now() } as const
  const signed = signRequest({ method: 'PUT', url, headers, payloadHash }, credentials, options)
  const amzDate = signed['x-amz-date'] ?? ''
  const scope = { date: amzDate.slice(0, 8), region, service: 's3' }
  const seed = {
    signingKey: deriveSigningKey(credentials.secretAccessKey, scope),
    signature: /Signature=(\w+)/.exec(signed['authorization'] ?? '')?.[1] ?? '',
    scopeText: `${scope.date}/${region}/s3/aws4_request`,
    amzDate,
  }
  let [body, previous] = ['', seed.signature]
  for (const chunk of ['new ', 'content', '']) {
    previous = signChunk(seed, previous, sha256(chunk))
    body += `${chunk.length.toString(16)};chunk-signature=${previous}\r\n${chunk}\r\n`
  }
  return { method: 'PUT', path, query: '', headers: Object.entries(signed), body }
}

/** A change to one part of a message. */
export const change = fc.record({
  part: fc.constantFrom(
    'method',
    'path',
    'query',
    'value',
    'name',
    'absence',
    'repetition',
    'body',
  ),
  which: fc.nat(),
  edit,
})
export type Change = typeof change extends fc.Arbitrary<infer Value> ? Value : never

export function applyChange(message: Message, { part, which, edit: how }: Change): Message {
  const at = which % message.headers.length
  const withHeaders = (replace: (name: string, value: string) => [string, string][]): Message => ({
    ...message,
    headers: message.headers.flatMap(([name, value], index) =>
      index === at ? replace(name, value) : [[name, value] as [string, string]],
    ),
  })
  switch (part) {
    case 'method':
    case 'path':
    case 'query':
    case 'body':
      return { ...message, [part]: applyEdit(message[part], how) }
    case 'value':
      return withHeaders((name, value) => [[name, applyEdit(value, how)]])
    case 'name':
      return withHeaders((name, value) => [[applyEdit(name, how), value]])
    case 'absence':
      return withHeaders(() => [])
    case 'repetition':
      return withHeaders((name, value) => [
        [name, value],
        [name, applyEdit(value, how)],
      ])
  }
}

/**
 * Returns the meaning of a request by a slow reading of its own: two requests with the same meaning are the same to their signer. The meaning
 * leaves out headers that no signature covers.
 */
export function readMeaning({ method, path, query, headers, body }: Message): string {
  const parts = query.split('&').filter((part) => part !== '')
  const parameters = parts.map((part) => {
    const at = part.indexOf('=')
    const [name, value] = at === -1 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)]
    return [decodeForm(name), decodeForm(value)]
  })
  const sorted = parameters.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  const byName = new Map<string, string>()
  for (const [rawName, rawValue] of headers) {
    const name = rawName.toLowerCase()
    const value = rawValue.replaceAll(/^[ \t]+|[ \t]+$/g, '').replaceAll(/ {2,}/g, ' ')
    byName.set(name, byName.has(name) ? `${byName.get(name)},${value}` : value)
  }
  const authorization = byName
    .get('authorization')
    ?.replace(/^\S+ +/, (scheme) => scheme.trim() + ',')
  const fields = authorization
    ?.split(',')
    .map((field) => field.trim())
    .toSorted()
  byName.delete('authorization')
  const named = [...byName].toSorted(([a], [b]) => (a < b ? -1 : 1))
  // a chunk size of 04 is 4
  const chunks = body.replaceAll(/^0+(?=[0-9a-f]+;chunk-signature=)/gm, '')
  return JSON.stringify([method, decodePath(path), sorted, named, fields, chunks])
}

function decodeForm(text: string): string {
  const spaced = text.replaceAll('+', ' ')
  try {
    return decodeURIComponent(spaced)
  } catch {
    return spaced
  }
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return `malformed ${path}`
  }
}
