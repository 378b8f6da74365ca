import { AwsError } from '../../protocol/aws-error.ts'
import { parsePolicyDocument, type PolicyDocument } from './policy-document.ts'

/** The limit of AWS and MinIO for the plain text of an inline session policy. */
const maxSessionPolicyBytes = 2048
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
 * Parses the session policy: the `Policy` parameter of an STS request (AWS STS, AssumeRole, "Policy").
 *
 * @throws {AwsError} `InvalidParameterValue` for a policy that is too long, is not JSON, has a wrong Version or an unknown member or action,
 *   or has resources that cost too much to compare.
 */
export function parseSessionPolicy(text: string): PolicyDocument {
  const bytes = Buffer.byteLength(text)
  if (bytes > maxSessionPolicyBytes) {
    throw new AwsError(
      'InvalidParameterValue',
      `the session policy has ${bytes} bytes; at most ${maxSessionPolicyBytes} are accepted`,
    )
  }
  const document = parsePolicyDocument(text, 'the session policy')
  checkCost(document)
  return document
}

function checkCost({ statements }: PolicyDocument): void {
  const segmentLists = statements
    .flatMap(({ resources }) => resources)
    .map((resource) => resource.split('*').slice(1, -1))
    .map((segments) => segments.filter((segment) => segment !== ''))
    .filter((segments) => segments.length > 0)
  if (segmentLists.length > maxSearchedResources)
    throw new AwsError(
      'InvalidParameterValue',
      `the session policy has ${segmentLists.length} resources with something between two stars; at most ${maxSearchedResources} are accepted`,
    )
  const isCostly = segmentLists
    .flat()
    .some((segment) => segment.length > maxCharsWithQuestionMark && segment.includes('?'))
  if (isCostly)
    throw new AwsError(
      'InvalidParameterValue',
      `the session policy has a resource with a ? among more than ${maxCharsWithQuestionMark} characters between two stars`,
    )
}
