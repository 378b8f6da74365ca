/** Turns an upload form into the PUT that it stands for: its fields become headers, where that operation reads them. */
import { Readable } from 'node:stream'
import { AwsError } from '../../../protocol/aws-error.ts'
import { encodeRfc3986 } from '../../../protocol/sigv4/canonical-request.ts'
import type { HttpRequest } from '../../http/http-message.ts'
import type { Address } from '../request/address.ts'
import { readTagging } from '../operations/object-tagging.ts'
import type { UploadForm } from './read-form.ts'

/** The client's own headers are not signed. Only those about the client itself are kept, for policies and logs. */
const keptHeaders = ['host', 'origin', 'referer', 'user-agent']

/** Fields that are headers under the same name (AWS, "POST Object", form fields). */
const headerFields =
  /^(?:cache-control|content-(?:disposition|encoding|language|md5|type)|expires|x-amz-(?:acl|checksum-.+|meta-.+|object-lock-.+|sdk-checksum-algorithm|server-side-encryption.*|storage-class|website-redirect-location))$/

/** Fields of the signature, which the request no longer needs. */
const spentFields = /^x-amz-(?:algorithm|credential|date|security-token|signature)$/

/**
 * Returns the request as a PUT.
 *
 * @throws {AwsError} `NotImplemented` for a field of S3's that is not known: what it asks for would not be done; `InvalidArgument` for a value
 *   that cannot be a header; `MalformedXML` and `InvalidTag` for the field `tagging`.
 */
export function toPutRequest(
  request: HttpRequest,
  { bucket, key }: Address,
  { fields, file }: Pick<UploadForm, 'fields' | 'file'>,
): HttpRequest {
  const headers = new Map<string, string>()
  for (const name of keptHeaders) {
    const value = request.headers.get(name)
    if (value !== undefined) headers.set(name, value)
  }
  for (const [name, value] of fields) {
    // An empty content type is none.
    if (name === 'content-type' && value === '') continue
    if (headerFields.test(name)) headers.set(name, toHeaderValue(name, value))
    else if (name === 'acl') headers.set('x-amz-acl', toHeaderValue(name, value))
    else if (name === 'tagging') headers.set('x-amz-tagging', toTagHeader(value))
    else if (name.startsWith('x-amz-') && !spentFields.test(name))
      throw new AwsError('NotImplemented', `the form field ${name.slice(0, 100)} is not supported`)
  }
  return {
    ...request,
    method: 'PUT',
    rawPath: `/${bucket}/${key.split('/').map(encodeRfc3986).join('/')}`,
    headers,
    body: Readable.from(file, { objectMode: false }),
  }
}

/** Header values are bytes, one per character. A line end in one would begin another header. */
function toHeaderValue(name: string, value: string): string {
  const bytes = Buffer.from(value.trim()).toString('latin1')
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  if (/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name) && /^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(bytes))
    return bytes
  throw new AwsError(
    'InvalidArgument',
    `the form field ${name.slice(0, 100)} has a character that no header can have`,
  )
}

function toTagHeader(xml: string): string {
  return new URLSearchParams(readTagging(xml)).toString()
}
