/** Object tags in the header `x-amz-tagging` of a write, and the rules that all tags follow. */
import { AwsError } from '../../../protocol/aws-error.ts'
import { parseTagHeader } from '../../../protocol/tag-header.ts'

const maxNameChars = 128

const maxValueChars = 256

/** The characters of names and values (AWS, "Tag", the pattern of both). */
const tagText = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u

/** AWS alone writes tags with this prefix. */
const systemPrefix = 'aws:'

/** Reads the tags of a write. @throws {AwsError} As `checkTags` ("Categorizing your objects using tags": 10 tags, names of 128, values of 256). */
export function readTagHeader(
  headers: ReadonlyMap<string, string>,
): Record<string, string> | undefined {
  const text = headers.get('x-amz-tagging')
  if (text === undefined || text === '') return undefined
  return checkTags(parseTagHeader(text))
}

/** How many tags may be set. */
export interface TagRules {
  readonly maxTags: number
  /** S3's sentence for too many. */
  readonly tooMany: string
}

const rulesOfObjects: TagRules = { maxTags: 10, tooMany: 'Object tags cannot be greater than 10' }

/** @throws {AwsError} `BadRequest` for too many tags, else `InvalidTag`; both in S3's words for the case. */
export function checkTags(
  pairs: readonly (readonly [string, string])[],
  rules: TagRules = rulesOfObjects,
): Record<string, string> {
  const fault = findFault(pairs, rules)
  if (fault === undefined) return Object.fromEntries(pairs)
  const { code, sentence, details } = fault
  const { maxTags } = rules
  const message = `there may be ${maxTags} different tags, names of 1 to ${maxNameChars} characters, values of up to ${maxValueChars}: letters, digits, spaces and _.:/=+-@`
  throw new AwsError(code, message, { status: 400, sentence, details })
}

interface TagFault {
  readonly code: 'BadRequest' | 'InvalidTag'
  readonly sentence: string
  readonly details?: Readonly<Record<string, string>>
}

function findFault(
  pairs: readonly (readonly [string, string])[],
  { maxTags, tooMany }: TagRules,
): TagFault | undefined {
  const code = 'InvalidTag'
  if (pairs.length > maxTags) return { code: 'BadRequest', sentence: tooMany }
  const names = new Set<string>()
  for (const [name, value] of pairs) {
    const details = { TagKey: name.slice(0, maxNameChars) }
    if (name.toLowerCase().startsWith(systemPrefix))
      return { code, sentence: 'System tags cannot be added/updated by requester', details }
    if (name.length === 0 || name.length > maxNameChars || !tagText.test(name))
      return { code, sentence: 'The TagKey you have provided is invalid', details }
    if (value.length > maxValueChars || !tagText.test(value))
      return { code, sentence: 'The TagValue you have provided is invalid', details }
    if (names.has(name))
      return { code, sentence: 'Cannot provide multiple Tags with the same key', details }
    names.add(name)
  }
  return undefined
}
