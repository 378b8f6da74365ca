/** An STS with roles that principals assume, and policies that allow and deny it. */
import type { Credentials, TemporaryCredentials } from '../../../src/protocol/credentials.ts'
import { decodeStsAnswer } from '../../../src/protocol/sts-wire.ts'
import { cannedPolicies } from '../../../src/server/policy/canned-policies.ts'
import { parsePolicyDocument } from '../../../src/server/policy/policy-document.ts'
import { parseRoleDocument } from '../../../src/server/policy/role-document.ts'
import { createTokenRole } from '../../../src/server/policy/token-role.ts'
import { makeToken, signers, type Members } from '../tokens.ts'
import { openSts, version, type Answer, type Parameters, type StsHarness } from './sts-harness.ts'

export const account = '000000000000'

export function roleArn(name: string): string {
  return `arn:aws:iam::${account}:role/${name}`
}

export interface RoleSts extends StsHarness {
  /** Logs a user of the identity provider in, whose policies come from the claim. */
  login(claims?: Members): Promise<TemporaryCredentials>
  /** Assumes a role by its name. */
  assume(name: string, signedBy: Credentials, changed?: Parameters): Promise<Answer>
  /** Assumes a role and returns the credentials. */
  become(name: string, signedBy: Credentials, changed?: Parameters): Promise<TemporaryCredentials>
}

/** Opens an STS. @param roles The members of each role's file besides its name. @param policies Statements by the policy's name. */
export function openRoleSts(
  roles: Readonly<Record<string, object>>,
  policies: Readonly<Record<string, readonly object[]>> = {},
): RoleSts {
  const documents = Object.entries(policies).map(([name, Statement]) => {
    const text = JSON.stringify({ Version: '2012-10-17', Statement })
    return [name, parsePolicyDocument(text, name)] as const
  })
  const opened = Object.entries(roles).map(([name, members]) => {
    const text = JSON.stringify({ name, policies: ['readonly'], ...members })
    const document = parseRoleDocument(text, `role ${name}`)
    const arn = `arn:minio:iam:us-east-1::role/${name}`
    return { name, role: createTokenRole(arn, document, new Map()) }
  })
  const sts = openSts({
    policies: new Map([...cannedPolicies, ...documents]),
    roles: new Map(
      opened.flatMap(({ name, role }) =>
        [role.arn, `arn:minio:iam:::role/${name}`, roleArn(name)].map((arn) => [arn, role]),
      ),
    ),
  })
  const assume: RoleSts['assume'] = (name, signedBy, changed) => {
    const form = {
      Action: 'AssumeRole',
      Version: version,
      RoleArn: roleArn(name),
      RoleSessionName: 'job',
      ...changed,
    }
    return sts.send({ form, signedBy })
  }
  return {
    ...sts,
    assume,
    async login(claims = {}) {
      const Token = makeToken(signers.RS256, { sub: 'alice', policy: 'caller', ...claims })
      const Action = 'AssumeRoleWithClientGrants'
      const { credentials } = await sts.call(Action, { form: { Action, Version: version, Token } })
      if (credentials === undefined) throw new Error('no credentials')
      return credentials
    },
    async become(name, signedBy, changed) {
      const { status, message, text } = await assume(name, signedBy, changed)
      if (status !== 200) throw new Error(message)
      const { credentials } = decodeStsAnswer('AssumeRole', status, text)
      if (credentials === undefined) throw new Error('no credentials')
      return credentials
    },
  }
}
