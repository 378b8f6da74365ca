import { AwsError } from '../../protocol/aws-error.ts'
import { nameAssumedRole } from '../identity/assumed-role.ts'
import { listPrincipalNames } from '../identity/principal-names.ts'
import type { AuthorizationRequest } from '../policy/authorizer.ts'
import type { Principal } from '../sessions/principal.ts'
import type { StsServices } from './sts-action.ts'

/** The room for conditions, and for the rule, so that a message is never longer than AWS's may be. */
const maxConditionBytes = 4096
const maxReasonChars = 512
const maxValueChars = 256
/** Conditions about the request and its parameters. An external ID is a secret of two parties, and headers say nothing here. */
const told = /^(?:aws:|sts:(?!ExternalId)|SourceIp$|SecureTransport$|CurrentTime$|DurationSeconds$)/

export interface Denial {
  readonly question: AuthorizationRequest
  /** The ARN of what the action is about; `*` for nothing in particular. */
  readonly resource: string
  /** The rule that decided, which only the encoded message says. */
  readonly reason: string
  readonly isExplicit?: boolean | undefined
}

/**
 * Returns AWS's error for a caller who may not: it says what is not allowed, and by what rule only in an encoded message.
 *
 * @returns `AccessDenied`.
 */
export function toDenial(
  { question, resource, reason, isExplicit = false }: Denial,
  { authorizationMessages }: Pick<StsServices, 'authorizationMessages'>,
): AwsError {
  const { principal, action, conditions } = question
  const arn = nameCaller(principal)
  const encoded = authorizationMessages.seal(
    JSON.stringify({
      allowed: false,
      explicitDeny: isExplicit,
      matchedStatements: { items: [] },
      failures: { items: [] },
      reason: reason.slice(0, maxReasonChars),
      context: {
        principal: { id: principal.accessKey, arn },
        action,
        resource: resource.slice(0, 512),
        conditions: { items: listConditions(conditions) },
      },
    }),
  )
  return new AwsError(
    'AccessDenied',
    `User: ${arn} is not authorized to perform: ${action} on resource: ${resource}. Encoded authorization failure message: ${encoded}`,
  )
}

function listConditions(conditions: AuthorizationRequest['conditions']): object[] {
  const items: object[] = []
  let bytes = 0
  for (const [name, values] of conditions) {
    if (!told.test(name)) continue
    const item = {
      key: name.includes(':') ? name : `aws:${name}`,
      values: { items: values.map((value) => ({ value: value.slice(0, maxValueChars) })) },
    }
    bytes += Buffer.byteLength(JSON.stringify(item))
    if (bytes > maxConditionBytes) break
    items.push(item)
  }
  return items
}

/** Returns the ARN of a caller as GetCallerIdentity says it. */
export function nameCaller(principal: Principal): string {
  return principal.kind === 'session'
    ? nameAssumedRole(principal).arn
    : (listPrincipalNames(principal).arn ?? 'anonymous')
}
