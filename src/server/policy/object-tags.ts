import type { AuthorizationRequest, Authorizer } from './authorizer.ts'
import { hasExistingTags } from './condition-keys.ts'
import type { PolicyDocument } from './policy-document.ts'

/** Reads the tags of an object or of its version: an empty record if there is none, undefined if they cannot be known. */
export type ReadTags = (
  bucket: string,
  key: string,
  /** Undefined for the newest version. */
  versionId?: string,
) => Promise<Readonly<Record<string, string>> | undefined>

/**
 * Returns an authorizer whose policies can ask for the tags of objects (`s3:ExistingObjectTag/NAME`).
 *
 * @param readTags Undefined if the backend cannot read tags; then such a condition fails an Allow and satisfies a Deny.
 */
export function withObjectTags(authorizer: Authorizer, readTags: ReadTags | undefined): Authorizer {
  if (readTags === undefined) return authorizer
  return {
    ...authorizer,
    authorize: (request) => {
      const readObjectTags = () => readTags(request.bucket, request.object, request.versionId)
      return authorizer.authorize({ ...request, readObjectTags })
    },
  }
}

/** Returns the request with the tags of its object, if one of the documents asks for them and the action has such a condition. */
export async function loadObjectTags(
  request: AuthorizationRequest,
  documents: readonly PolicyDocument[],
): Promise<AuthorizationRequest> {
  const isAsked = documents.some(({ usesObjectTags }) => usesObjectTags)
  if (!isAsked || !hasExistingTags(request.action) || request.areObjectTagsKnown === true)
    return request
  const tags = await request.readObjectTags?.()
  // Other keys of the same request have other tags, so that nothing may come from the shared memo.
  if (tags === undefined) return { ...request, memo: undefined }
  const named = Object.entries(tags).map(([name, value]): [string, readonly string[]] => {
    return [`ExistingObjectTag/${name}`, [value]]
  })
  const conditions = new Map([...request.conditions, ...named])
  return { ...request, conditions, areObjectTagsKnown: true, memo: undefined }
}
