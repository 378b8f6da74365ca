/** The filter of a lifecycle rule (AWS, "LifecycleRuleFilter" and "LifecycleRuleAndOperator"). */
import { AwsError } from '../../../protocol/aws-error.ts'
import { childrenOf, malformed, type XmlNode } from '../../../protocol/xml.ts'
import type { LifecycleFilter } from './lifecycle-rule.ts'
import { checkTags } from './tag-header.ts'
import { plainTextOf, requireOnly, wholeNumber } from './xml-fields.ts'

const maxPrefixBytes = 1024
const predicates = ['Prefix', 'Tag', 'ObjectSizeGreaterThan', 'ObjectSizeLessThan']

/** Reads the filter of a rule: its old `Prefix`, or its `Filter`, one of which it must have. @throws {AwsError} As `readLifecycleRules`. */
export function readFilter(rule: XmlNode): LifecycleFilter {
  const [filter, ...more] = childrenOf(rule, 'Filter')
  const prefix = plainTextOf(rule, 'Prefix')
  if (more.length > 0 || (filter === undefined) === (prefix === undefined))
    throw malformed('a rule must have either a Filter or a Prefix')
  if (filter === undefined) return checkFilter({ form: 'rule-prefix', prefix, tags: [] })
  requireOnly(filter, [...predicates, 'And'])
  if (filter.children.length > 1) throw malformed('a Filter with several conditions needs And')
  const [and] = childrenOf(filter, 'And')
  if (and === undefined) return readPredicates(filter, 'single')
  requireOnly(and, predicates)
  if (and.children.length < 2) throw malformed('And must have two conditions or more')
  return readPredicates(and, 'and')
}

function readPredicates(node: XmlNode, form: 'single' | 'and'): LifecycleFilter {
  const tags = childrenOf(node, 'Tag').map((tag) => {
    requireOnly(tag, ['Key', 'Value'])
    const name = plainTextOf(tag, 'Key')
    const value = plainTextOf(tag, 'Value')
    if (name === undefined || value === undefined)
      throw malformed('a Tag must have a Key and a Value')
    return [name, value] as const
  })
  checkTags(tags)
  return checkFilter({
    form,
    prefix: plainTextOf(node, 'Prefix'),
    tags,
    sizeGreaterThan: wholeNumber(node, 'ObjectSizeGreaterThan'),
    sizeLessThan: wholeNumber(node, 'ObjectSizeLessThan'),
  })
}

/** @throws {AwsError} `InvalidArgument` for a prefix that is too long, and for sizes that no object has. */
function checkFilter(filter: LifecycleFilter): LifecycleFilter {
  const { prefix = '', sizeGreaterThan = 0, sizeLessThan } = filter
  if (Buffer.byteLength(prefix) > maxPrefixBytes)
    throw invalid(`The maximum size of a prefix is ${maxPrefixBytes}.`)
  if (sizeGreaterThan < 0) throw invalid("'ObjectSizeGreaterThan' must be 0 or more")
  if (sizeLessThan !== undefined && sizeLessThan <= sizeGreaterThan)
    throw invalid(
      "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'",
      'InvalidRequest',
    )
  return filter
}

function invalid(
  message: string,
  code: 'InvalidArgument' | 'InvalidRequest' = 'InvalidArgument',
): AwsError {
  return new AwsError(code, message)
}
