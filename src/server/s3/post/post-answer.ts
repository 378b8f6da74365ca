/** Answers a form that was stored: with the status that it asks for, or a redirect. */
import { AwsError } from '../../../protocol/aws-error.ts'
import { encodeRfc3986 } from '../../../protocol/sigv4/canonical-request.ts'
import type { HttpReply, HttpRequest } from '../../http/http-message.ts'
import type { Address } from '../request/address.ts'
import { elements, xmlReply } from '../request/s3-xml.ts'

export type PostAnswer =
  | { readonly kind: 'status'; readonly status: 200 | 201 | 204 }
  | { readonly kind: 'redirect'; readonly url: URL }

/**
 * Returns the answer that the form asks for; 204 where it asks for none, or for a status that S3 does not have (AWS, "POST Object").
 *
 * @throws {AwsError} `InvalidArgument` for a redirect to anything but a web page.
 */
export function readPostAnswer(fields: ReadonlyMap<string, string>): PostAnswer {
  const target = fields.get('success_action_redirect')
  if (target !== undefined) {
    const url = URL.canParse(target) ? new URL(target) : undefined
    if (url?.protocol === 'http:' || url?.protocol === 'https:') return { kind: 'redirect', url }
    throw new AwsError('InvalidArgument', 'success_action_redirect must be an http or https URL')
  }
  const asked = fields.get('success_action_status')
  return { kind: 'status', status: asked === '200' ? 200 : asked === '201' ? 201 : 204 }
}

/** @param stored Headers of the answer that the PUT would have had. */
export function writePostAnswer(
  answer: PostAnswer,
  request: Pick<HttpRequest, 'rawPath' | 'headers' | 'isTls'>,
  { bucket, key, stored }: Address & { readonly stored: Readonly<Record<string, string>> },
): HttpReply {
  const ETag = stored['etag'] ?? ''
  if (answer.kind === 'redirect') {
    const url = new URL(answer.url)
    for (const [name, value] of Object.entries({ bucket, key, etag: ETag }))
      url.searchParams.append(name, value)
    return { status: 303, headers: { ...stored, location: url.href } }
  }
  const location = locateObject(request, key)
  const headers = { ...stored, location }
  if (answer.status !== 201) return { status: answer.status, headers }
  const content = elements({ Location: location, Bucket: bucket, Key: key, ETag })
  return { ...xmlReply('PostResponse', content, headers), status: 201 }
}

/** Returns the object's URL, below the address that the form was sent to. */
function locateObject(
  { rawPath, headers, isTls }: Pick<HttpRequest, 'rawPath' | 'headers' | 'isTls'>,
  key: string,
): string {
  const path = key.split('/').map(encodeRfc3986).join('/')
  const bucketPath = rawPath.endsWith('/') ? rawPath : `${rawPath}/`
  return `${isTls ? 'https' : 'http'}://${headers.get('host') ?? ''}${bucketPath}${path}`
}
