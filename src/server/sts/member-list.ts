/** Lists in the parameters of a request: `NAME.member.1`, `NAME.member.2`… (AWS Query protocol). */
import { AwsError } from '../../protocol/aws-error.ts'

type Parameters = ReadonlyMap<string, string>

/**
 * Returns AWS's error for a parameter out of its limits. The value is left out: it may be a secret, or a megabyte.
 *
 * @param member The parameter as AWS spells it in such messages, such as `externalId`.
 */
export function invalidMember(member: string, constraint: string): AwsError {
  return new AwsError(
    'ValidationError',
    `1 validation error detected: Value at '${member}' failed to satisfy constraint: ${constraint}`,
  )
}

/**
 * Returns the members of a list, in order; each is the text of its fields by name, and the field of a plain list is empty. An empty list may be sent as
 * `NAME=`.
 *
 * @param fields The names of the fields, such as `Key` and `Value`; none for a list of texts.
 * @throws {AwsError} `ValidationError` for more than `max` members; `InvalidParameterValue` for an index or a field that there is not, because a
 *   member that was passed over could be the one that limits.
 */
export function readMembers(
  parameters: Parameters,
  name: string,
  { fields, max }: { readonly fields: readonly string[]; readonly max: number },
): readonly ReadonlyMap<string, string>[] {
  const prefix = `${name}.`
  const members = new Map<number, Map<string, string>>()
  for (const [parameter, value] of parameters) {
    if (!parameter.startsWith(prefix)) continue
    const [, index = '', field = ''] =
      /^member\.([1-9]\d{0,3})(?:\.(\w+))?$/.exec(parameter.slice(prefix.length)) ?? []
    if (index === '' || !(fields.length === 0 ? field === '' : fields.includes(field)))
      throw new AwsError(
        'InvalidParameterValue',
        `the parameter ${parameter.slice(0, 80)} is not a member of the list ${name}`,
      )
    const member = members.get(Number(index)) ?? new Map<string, string>()
    members.set(Number(index), member.set(field, value))
  }
  if (members.size > max)
    throw invalidMember(
      name.charAt(0).toLowerCase() + name.slice(1),
      `Member must have length less than or equal to ${max}`,
    )
  const order = [...members.keys()].toSorted((a, b) => a - b)
  if (order.some((index, at) => index !== at + 1))
    throw new AwsError('InvalidParameterValue', `the members of ${name} are not numbered from 1 on`)
  return order.flatMap((index) => members.get(index) ?? [])
}
