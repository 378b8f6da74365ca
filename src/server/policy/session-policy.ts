import { AwsError } from '../../protocol/aws-error.ts'
import { parsePolicyDocument, type PolicyDocument } from './policy-document.ts'

/** AWS's and MinIO's bound for the plain text of an inline session policy. */
const maxSessionPolicyBytes = 2048
/**
 * Resources with something between two stars (`*a*`) are searched for in every key of a request; one star costs nothing. The policy is the
 * caller's own, and so are the keys: a thousand in DeleteObjects.
 */
const maxSearches = 10
/** A `?` in a longer stretch between two stars costs a step for each 32 of its characters. */
const maxQuestionedChars = 32

/**
 * Reads the `Policy` parameter of an STS request.
 *
 * @throws {AwsError} `InvalidParameterValue`: too long, not JSON, wrong Version, an unknown member or action, resources that cost too much
 *   to compare.
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
  const stretches = statements
    .flatMap(({ resources }) => resources)
    .map((resource) => resource.split('*').slice(1, -1))
    .map((between) => between.filter((stretch) => stretch !== ''))
    .filter((between) => between.length > 0)
  if (stretches.length > maxSearches)
    throw new AwsError(
      'InvalidParameterValue',
      `the session policy has ${stretches.length} resources with something between two stars; at most ${maxSearches} are accepted`,
    )
  const isCostly = stretches
    .flat()
    .some((stretch) => stretch.length > maxQuestionedChars && stretch.includes('?'))
  if (isCostly)
    throw new AwsError(
      'InvalidParameterValue',
      `the session policy has a resource with a ? among more than ${maxQuestionedChars} characters between two stars`,
    )
}
