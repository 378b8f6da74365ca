/** Policies that deny the issue of credentials, which MinIO has since 2023. */
import { describe, expect, it } from 'vitest'
import { parsePolicyDocument } from '../../../src/server/policy/policy-document.ts'
import { allowAll, write } from '../../support/server/policy-requests.ts'
import { openSts, version, type StsHarness } from '../../support/server/sts-harness.ts'
import { makeToken, signers } from '../../support/tokens.ts'

const action = 'sts:AssumeRoleWithWebIdentity'
const atMostAnHour = {
  Sid: 'short',
  Effect: 'Deny',
  Action: action,
  Condition: { NumericGreaterThan: { 'sts:DurationSeconds': '3600' } },
}

function open(...statements: (typeof allowAll)[]): StsHarness {
  const knownPolicies = new Map([['p', parsePolicyDocument(write(...statements), 'p')]])
  return openSts({ knownPolicies, limits: { isLongerThanTokenAllowed: true } })
}

const ask = (DurationSeconds?: string) => ({
  form: {
    Action: 'AssumeRoleWithWebIdentity',
    Version: version,
    WebIdentityToken: makeToken(signers.RS256, { policy: 'p' }),
    DurationSeconds,
  },
})

describe('a policy that denies credentials', () => {
  it('a policy can deny credentials of a long lifetime', async () => {
    const sts = open(allowAll, atMostAnHour)
    expect(await sts.send(ask('3601'))).toMatchObject({
      status: 403,
      code: 'AccessDenied',
      message: `you may not ${action}: denied by p short`,
    })
    expect(await sts.send(ask('3600'))).toMatchObject({ status: 200 })
    expect(await sts.send(ask())).toMatchObject({ status: 200 })
  })

  it('credentials need no policy that allows them', async () => {
    expect(await open(allowAll).send(ask())).toMatchObject({ status: 200 })
  })

  it('a deny with exclusions limits the credentials and not their issue', async () => {
    const deny = { Effect: 'Deny', NotAction: 's3:GetObject', Resource: '*' }
    expect(await open(allowAll, deny).send(ask())).toMatchObject({ status: 200 })
  })
})
