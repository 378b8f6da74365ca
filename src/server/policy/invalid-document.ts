import type { JsonObject } from '../../base/parse.ts'
import { AwsError } from '../../protocol/aws-error.ts'

/** Returns the error of a policy or role document that is not accepted. The message names the place and what is wrong there. */
export function invalidDocument(message: string): AwsError {
  return new AwsError('InvalidParameterValue', message)
}

/**
 * Checks that an object has no unknown members: a misspelt one would be ignored, and the document would allow more or less than it seems to.
 *
 * @param where For messages: the document, or the place in it.
 * @throws {AwsError} `InvalidParameterValue` naming the member.
 */
export function checkMembers(object: JsonObject, known: ReadonlySet<string>, where: string): void {
  for (const name of Object.keys(object))
    if (!known.has(name)) throw invalidDocument(`${where} has an unknown member ${name}`)
}
