import { AwsError } from '../../protocol/aws-error.ts'
import { parsePolicyDocument, type PolicyDocument } from './policy-document.ts'

/**
 * The limit of AWS and MinIO for an inline session policy. As at MinIO since 2023, white space between the members does not count
 * (docs/wire.md §1.2): AWS's limit is for the packed policy, and catalogs send indented JSON.
 */
const maxSessionPolicyBytes = 2048
/** The limit for the text with its white space. */
const maxRawBytes = 16 * 1024
/**
 * The most resources with a segment between two stars (`*a*`). Each segment is searched for in every key of a request; a pattern with one
 * star needs no search. The caller chooses both the policy and the keys, which are up to a thousand in DeleteObjects.
 */
const maxSearchedResources = 10
/**
 * The longest segment between two stars that may contain a `?`. In a longer one, each character of a key costs one step per 32 of the
 * segment's.
 */
const maxCharsWithQuestionMark = 32

/**
 * Checks a session policy that is requested.
 *
 * @returns The policy without the white space between its members, which the session token has no room for.
 * @throws {AwsError} The errors of `parseSessionPolicy`.
 */
export function checkSessionPolicy(text: string): string {
  parseSessionPolicy(text)
  return compact(text)
}

/** Returns JSON without the white space between its members. A string that is not closed reaches up to the end: each character is read once. */
function compact(text: string): string {
  return text.replaceAll(/("(?:[^"\\]|\\.)*"?)|[ \t\n\r]+/gs, '$1')
}

/**
 * Parses the session policy: the `Policy` parameter of an STS request (AWS STS, AssumeRole, "Policy").
 *
 * @throws {AwsError} `InvalidParameterValue` for a policy that is too long, is not JSON, has a wrong Version or none, an unknown member or action,
 *   or has resources that cost too much to compare.
 */
export function parseSessionPolicy(text: string): PolicyDocument {
  const rawBytes = Buffer.byteLength(text)
  if (rawBytes > maxRawBytes)
    throw new AwsError(
      'InvalidParameterValue',
      `the session policy has ${rawBytes} bytes; at most ${maxRawBytes} are accepted, white space included`,
    )
  const bytes = Buffer.byteLength(compact(text))
  if (bytes > maxSessionPolicyBytes) {
    throw new AwsError(
      'InvalidParameterValue',
      `the session policy has ${bytes} bytes without white space; at most ${maxSessionPolicyBytes} are accepted`,
    )
  }
  const document = parsePolicyDocument(text, 'the session policy')
  // MinIO denies everything to a session whose policy has no version; here it is refused when it is asked for.
  if (!document.hasVersion)
    throw new AwsError('InvalidParameterValue', 'the session policy: Version must be 2012-10-17')
  const costly = findCostlySearch(document)
  if (costly !== undefined)
    throw new AwsError('InvalidParameterValue', `the session policy has ${costly}`)
  return document
}

/** Returns what in a document costs too much to be compared with many keys, for an error message; undefined if nothing does. */
export function findCostlySearch({ statements }: PolicyDocument): string | undefined {
  const segmentLists = statements
    .flatMap(({ resources }) => resources)
    .map((resource) => resource.split('*').slice(1, -1))
    .map((segments) => segments.filter((segment) => segment !== ''))
    .filter((segments) => segments.length > 0)
  if (segmentLists.length > maxSearchedResources)
    return `${segmentLists.length} resources with something between two stars; at most ${maxSearchedResources} are accepted`
  const isCostly = segmentLists
    .flat()
    .some((segment) => segment.length > maxCharsWithQuestionMark && segment.includes('?'))
  return isCostly
    ? `a resource with a ? among more than ${maxCharsWithQuestionMark} characters between two stars`
    : undefined
}
