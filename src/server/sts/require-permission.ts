import type { AuthorizationRequest } from '../policy/authorizer.ts'
import { recordDecisions } from '../policy/record-decisions.ts'
import type { Principal } from '../sessions/principal.ts'
import { toDenial } from './deny.ts'
import type { StsRequest, StsServices } from './sts-action.ts'

export interface AskedPermission {
  readonly principal: Principal
  readonly action: string
  readonly conditions: AuthorizationRequest['conditions']
  /** The ARN that statements name in `Resource`; undefined for an action about nothing in particular. */
  readonly resource?: string | undefined
}

/** @throws {AwsError} `AccessDenied` unless the caller's own policies allow an action of the STS. */
export async function requirePermission(
  { resource, ...asked }: AskedPermission,
  { recorder }: StsRequest,
  services: Pick<StsServices, 'authorizer' | 'authorizationMessages'>,
): Promise<void> {
  const question = { ...asked, bucket: '', object: '', roleArn: resource }
  const decision = await recordDecisions(services.authorizer, recorder).authorize(question)
  if (decision.isAllowed) return
  const { reason, isExplicit } = decision
  throw toDenial({ question, resource: resource ?? '*', reason, isExplicit }, services)
}
