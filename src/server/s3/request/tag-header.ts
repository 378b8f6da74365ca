/** Object tags in the header `x-amz-tagging` of a write, and the rules that all tags follow. */
import { AwsError } from '../../../protocol/aws-error.ts'
import { parseTagHeader } from '../../../protocol/tag-header.ts'

const maxTags = 10

const maxNameChars = 128

const maxValueChars = 256

/** Reads the tags of a write. @throws {AwsError} `InvalidTag` ("Categorizing your objects using tags": 10 tags, names of 128, values of 256). */
export function readTagHeader(
  headers: ReadonlyMap<string, string>,
): Record<string, string> | undefined {
  const text = headers.get('x-amz-tagging')
  if (text === undefined || text === '') return undefined
  return checkTags(parseTagHeader(text))
}

/** @throws {AwsError} `InvalidTag`. */
export function checkTags(pairs: readonly (readonly [string, string])[]): Record<string, string> {
  const tags = Object.fromEntries(pairs)
  const isSound = pairs.every(([name, value]) => {
    return name.length > 0 && name.length <= maxNameChars && value.length <= maxValueChars
  })
  if (isSound && pairs.length <= maxTags && Object.keys(tags).length === pairs.length) return tags
  const message = `an object takes ${maxTags} different tags, names of 1 to ${maxNameChars} characters, values of up to ${maxValueChars}`
  throw new AwsError('InvalidTag', message, { status: 400 })
}
