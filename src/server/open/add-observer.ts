import { StsCliError } from '../../base/errors.ts'
import type { ServerOptions } from '../options/server-options.ts'
import type { Authorizer } from '../policy/authorizer.ts'
import { observePolicy } from '../policy/observe-policy.ts'
import type { PolicyDocument } from '../policy/policy-document.ts'

/** Returns the authorizer with the policy under observation, if the options name one. @throws {StsCliError} `ERR_CONFIG` for a name that no policy has. */
export function addObserver(
  authorizer: Authorizer,
  { observedPolicy: name }: Pick<ServerOptions, 'observedPolicy'>,
  policies: ReadonlyMap<string, PolicyDocument>,
): Authorizer {
  if (name === undefined) return authorizer
  const document = policies.get(name)
  if (document === undefined)
    throw new StsCliError('server-policy-unknown', `the policy to observe, ${name}, is not known`, {
      stage: 'serve',
    })
  return observePolicy(authorizer, { name, document })
}
