/** Answers as AWS documents them (AWS STS API Reference, the examples of each action and "Common errors"), in XML and in JSON. */
import { describe, expect, it } from 'vitest'
import { AwsError } from '../../src/protocol/aws-error.ts'
import { decodeStsAnswer, type StsAnswer } from '../../src/protocol/sts-wire.ts'

const namespace = 'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"'
const sessionToken =
  'AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGd=='
const keys = {
  accessKeyId: 'ASIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY',
}

const assumeRole = `<AssumeRoleResponse ${namespace}>
  <AssumeRoleResult>
  <SourceIdentity>Alice</SourceIdentity>
    <AssumedRoleUser>
      <Arn>arn:aws:sts::123456789012:assumed-role/demo/TestAR</Arn>
      <AssumedRoleId>ARO123EXAMPLE123:TestAR</AssumedRoleId>
    </AssumedRoleUser>
    <Credentials>
      <AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId>
      <SecretAccessKey>wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY</SecretAccessKey>
      <SessionToken>
       ${sessionToken}
      </SessionToken>
      <Expiration>2019-11-09T13:34:41Z</Expiration>
    </Credentials>
    <PackedPolicySize>6</PackedPolicySize>
  </AssumeRoleResult>
  <ResponseMetadata>
    <RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId>
  </ResponseMetadata>
</AssumeRoleResponse>`

const webIdentity = `<AssumeRoleWithWebIdentityResponse ${namespace}>
  <AssumeRoleWithWebIdentityResult>
    <SubjectFromWebIdentityToken>amzn1.account.AF6RHO7KZU5XRVQJGXK6HB56KR2A</SubjectFromWebIdentityToken>
    <Audience>client.5498841531868486423.1548@apps.example.com</Audience>
    <AssumedRoleUser>
      <Arn>arn:aws:sts::123456789012:assumed-role/FederatedWebIdentityRole/app1</Arn>
      <AssumedRoleId>AROACLKWSDQRAOEXAMPLE:app1</AssumedRoleId>
    </AssumedRoleUser>
    <Credentials>
      <SessionToken>AQoDYXdzEE0a8ANXXXXXXXXNO1ewxE5TijQyp+IEXAMPLE</SessionToken>
      <SecretAccessKey>wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY</SecretAccessKey>
      <Expiration>2014-10-24T23:00:23Z</Expiration>
      <AccessKeyId>ASgeIAIOSFODNN7EXAMPLE</AccessKeyId>
    </Credentials>
    <SourceIdentity>SourceIdentityValue</SourceIdentity>
    <Provider>www.amazon.com</Provider>
  </AssumeRoleWithWebIdentityResult>
  <ResponseMetadata>
    <RequestId>ad4156e9-bce1-11e2-82e6-6b6efEXAMPLE</RequestId>
  </ResponseMetadata>
</AssumeRoleWithWebIdentityResponse>`

const callerIdentity = `<GetCallerIdentityResponse ${namespace}>
  <GetCallerIdentityResult>
   <Arn>arn:aws:sts::123456789012:assumed-role/my-role-name/my-role-session-name</Arn>
    <UserId>ARO123EXAMPLE123:my-role-session-name</UserId>
    <Account>123456789012</Account>
  </GetCallerIdentityResult>
  <ResponseMetadata>
    <RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId>
  </ResponseMetadata>
</GetCallerIdentityResponse>`

describe('answers of AWS in XML', () => {
  it('AssumeRole has the credentials and who the session is', () => {
    expect(decodeStsAnswer('AssumeRole', 200, assumeRole)).toEqual({
      requestId: 'c6104cbe-af31-11e0-8154-cbc7ccf896c7',
      assumedRole: {
        arn: 'arn:aws:sts::123456789012:assumed-role/demo/TestAR',
        id: 'ARO123EXAMPLE123:TestAR',
      },
      credentials: {
        ...keys,
        sessionToken,
        expiration: new Date('2019-11-09T13:34:41Z'),
        expirationText: '2019-11-09T13:34:41Z',
      },
    } satisfies StsAnswer)
  })

  it('AssumeRoleWithWebIdentity has the subject and the provider, whatever the order', () => {
    expect(decodeStsAnswer('AssumeRoleWithWebIdentity', 200, webIdentity)).toMatchObject({
      subject: 'amzn1.account.AF6RHO7KZU5XRVQJGXK6HB56KR2A',
      provider: 'www.amazon.com',
      assumedRole: { id: 'AROACLKWSDQRAOEXAMPLE:app1' },
      credentials: { accessKeyId: 'ASgeIAIOSFODNN7EXAMPLE' },
    })
  })

  it('GetCallerIdentity has the account', () => {
    expect(decodeStsAnswer('GetCallerIdentity', 200, callerIdentity).callerIdentity).toEqual({
      account: '123456789012',
      arn: 'arn:aws:sts::123456789012:assumed-role/my-role-name/my-role-session-name',
      userId: 'ARO123EXAMPLE123:my-role-session-name',
    })
  })

  it('an error has its code, message and request id', () => {
    const body = `<ErrorResponse ${namespace}>
  <Error>
    <Type>Sender</Type>
    <Code>AccessDenied</Code>
    <Message>User: arn:aws:iam::123456789012:user/a is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/demo</Message>
  </Error>
  <RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId>
</ErrorResponse>`
    expect(errorOf(403, body)).toMatchObject({
      code: 'AccessDenied',
      message: expect.stringContaining('is not authorized to perform: sts:AssumeRole') as unknown,
      status: 403,
      requestId: '01234567-89ab-cdef-0123-456789abcdef',
    })
  })
})

describe('refusals of other servers', () => {
  it.each(['ErrorResponse', 'Response'])(
    'an error in a list of a %s is read as AWS’s SDKs read it',
    (name) => {
      const body = `<?xml version="1.0" encoding="utf-8"?>
<${name}><Errors><Error><Code>InvalidClientTokenId</Code><Message>The security token included in the request is invalid.</Message><Type>Sender</Type></Error></Errors></${name}>`
      expect(errorOf(403, body)).toMatchObject({ code: 'InvalidClientTokenId', status: 403 })
    },
  )
})

describe('answers of AWS in JSON', () => {
  it('GetCallerIdentity has the account', () => {
    const body = `{"GetCallerIdentityResponse":{"GetCallerIdentityResult":{"Account":"123456789012","Arn":"arn:aws:iam::123456789012:user/Alice","UserId":"AIDA123456789EXAMPLE"},"ResponseMetadata":{"RequestId":"01234567-89ab-cdef-0123-456789abcdef"}}}`
    expect(decodeStsAnswer('GetCallerIdentity', 200, body)).toEqual({
      requestId: '01234567-89ab-cdef-0123-456789abcdef',
      callerIdentity: {
        account: '123456789012',
        arn: 'arn:aws:iam::123456789012:user/Alice',
        userId: 'AIDA123456789EXAMPLE',
      },
    })
  })

  it('AssumeRole has the credentials, whose time is in seconds', () => {
    const body = `{"AssumeRoleResponse":{"AssumeRoleResult":{"AssumedRoleUser":{"Arn":"arn:aws:sts::123456789012:assumed-role/demo/TestAR","AssumedRoleId":"ARO123EXAMPLE123:TestAR"},"Credentials":{"AccessKeyId":"${keys.accessKeyId}","Expiration":1.573306481E9,"SecretAccessKey":"${keys.secretAccessKey}","SessionToken":"${sessionToken}"},"PackedPolicySize":null,"SourceIdentity":null},"ResponseMetadata":{"RequestId":"c6104cbe"}}}`
    expect(decodeStsAnswer('AssumeRole', 200, body)).toMatchObject({
      assumedRole: { id: 'ARO123EXAMPLE123:TestAR' },
      credentials: { ...keys, sessionToken, expiration: new Date('2019-11-09T13:34:41Z') },
    })
  })

  it('an error has its code, message and request id', () => {
    const body = `{"Error":{"Code":"ExpiredToken","Message":"The security token included in the request is expired","Type":"Sender"},"RequestId":"5ad1"}`
    expect(errorOf(403, body)).toMatchObject({
      code: 'ExpiredToken',
      requestId: '5ad1',
      status: 403,
    })
  })

  it.each<[string, unknown]>([
    ['a document of another service', { message: 'Forbidden' }],
    ['an error without a code', { Error: { Message: 'no' } }],
    ['an error that is a text', { Error: 'no' }],
    ['two documents', { AssumeRoleResponse: {}, Other: {} }],
    ['another action', { AssumeRoleResponse: { AssumeRoleResult: {} } }],
    ['a list', { GetCallerIdentityResponse: [] }],
    ['an identity without Arn', { GetCallerIdentityResponse: { GetCallerIdentityResult: {} } }],
    ['a proto', { GetCallerIdentityResponse: { __proto__: { GetCallerIdentityResult: {} } } }],
  ])('%s is not an answer', (_what, value) => {
    expect(() => decodeStsAnswer('GetCallerIdentity', 200, JSON.stringify(value))).toThrow(
      /^the STS answered with /,
    )
  })

  it.each([1e300, -1e300])('a time of %s seconds is not a date', (seconds) => {
    const credentials = { ...keys, AccessKeyId: 'a', SecretAccessKey: 'b', SessionToken: 'c' }
    const result = { Credentials: { ...credentials, Expiration: seconds } }
    const body = JSON.stringify({ AssumeRoleResponse: { AssumeRoleResult: result } })
    expect(() => decodeStsAnswer('AssumeRole', 200, body)).toThrow(/Expiration/)
  })

  it('a document nested without end is refused', () => {
    const body = `{"AssumeRoleResponse":${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}}`
    expect(() => decodeStsAnswer('AssumeRole', 200, body)).toThrow(/^the STS answered with /)
  })
})

function errorOf(status: number, body: string): unknown {
  try {
    decodeStsAnswer('AssumeRole', status, body)
  } catch (error) {
    expect(error).toBeInstanceOf(AwsError)
    return error
  }
  return undefined
}
