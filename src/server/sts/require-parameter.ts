import { AwsError } from '../../protocol/aws-error.ts'

/** Returns the first of the named parameters that has a value. @throws {AwsError} `MissingParameter` when none has. */
export function requireParameter(
  parameters: ReadonlyMap<string, string>,
  ...names: string[]
): string {
  for (const name of names) {
    const value = parameters.get(name)
    if (value !== undefined && value !== '') return value
  }
  throw new AwsError('MissingParameter', `the parameter ${names[0] ?? ''} is missing`)
}
