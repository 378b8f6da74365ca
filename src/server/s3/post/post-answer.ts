/** Answers a form that was stored: with the status that it asks for, or a redirect. */
import { AwsError } from '../../../protocol/aws-error.ts'
import type { HttpReply } from '../../http/http-message.ts'
import { locateObject, type LocatedObject } from '../request/address.ts'
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

interface StoredObject extends LocatedObject {
  /** Headers of the answer that the PUT would have had. */
  readonly stored: Readonly<Record<string, string>>
}

/** Returns the answer to a form whose file is stored. */
export function writePostAnswer(
  answer: PostAnswer,
  { request, bucket, key, isBucketInHost, stored }: StoredObject,
): HttpReply {
  const ETag = stored['etag'] ?? ''
  if (answer.kind === 'redirect') {
    const url = new URL(answer.url)
    for (const [name, value] of Object.entries({ bucket, key, etag: ETag }))
      url.searchParams.append(name, value)
    return { status: 303, headers: { ...stored, location: url.href } }
  }
  const location = locateObject({ request, bucket, key, isBucketInHost })
  const headers = { ...stored, location }
  if (answer.status !== 201) return { status: answer.status, headers }
  const content = elements({ Location: location, Bucket: bucket, Key: key, ETag })
  return { ...xmlReply('PostResponse', content, headers), status: 201 }
}
