/** The form of an STS request (AWS STS API Reference, version 2011-06-15; MinIO's additions in docs/wire.md §1). */
import type { SessionParameters, StsActionName } from './options.ts'

/** The action's names on the wire. */
export const wireNames: Readonly<Record<StsActionName, string>> = {
  'client-grants': 'AssumeRoleWithClientGrants',
  'web-identity': 'AssumeRoleWithWebIdentity',
  'assume-role': 'AssumeRole',
  ldap: 'AssumeRoleWithLDAPIdentity',
  certificate: 'AssumeRoleWithCertificate',
  'custom-token': 'AssumeRoleWithCustomToken',
}

export interface StsRequest extends SessionParameters {
  readonly action: StsActionName
  readonly token?: string | undefined
  readonly ldap?: { readonly username: string; readonly password: string } | undefined
  readonly roleArn?: string | undefined
  readonly roleSessionName?: string | undefined
}

/** Returns the form of a request for credentials; lists are numbered from 1, as in AWS's query protocol. */
export function buildForm(request: StsRequest): URLSearchParams {
  const form = new URLSearchParams({ Action: wireNames[request.action], Version: '2011-06-15' })
  const set = (name: string, value: string | undefined): void => {
    if (value !== undefined) form.set(name, value)
  }
  set(request.action === 'web-identity' ? 'WebIdentityToken' : 'Token', request.token)
  set('LDAPUsername', request.ldap?.username)
  set('LDAPPassword', request.ldap?.password)
  set('DurationSeconds', request.durationSeconds?.toString())
  set('Policy', request.policy)
  set('RoleArn', request.roleArn)
  set('RoleSessionName', request.roleSessionName)
  for (const [i, arn] of (request.policyArns ?? []).entries())
    form.set(`PolicyArns.member.${i + 1}.arn`, arn)
  for (const [i, { key, value }] of (request.tags ?? []).entries()) {
    form.set(`Tags.member.${i + 1}.Key`, key)
    form.set(`Tags.member.${i + 1}.Value`, value)
  }
  for (const [i, key] of (request.transitiveTagKeys ?? []).entries())
    form.set(`TransitiveTagKeys.member.${i + 1}`, key)
  set('ExternalId', request.externalId)
  set('SourceIdentity', request.sourceIdentity)
  return form
}
