import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { StsCliError } from '../../src/base/errors.ts'
import { AwsError } from '../../src/protocol/aws-error.ts'
import type { TemporaryCredentials } from '../../src/protocol/credentials.ts'
import {
  decodeStsAnswer,
  encodeStsError,
  encodeStsSuccess,
  type StsAnswer,
} from '../../src/protocol/sts-wire.ts'

const credentials: TemporaryCredentials = {
  accessKeyId: 'NUIBORZYTV2HG2BMRSXR',
  secretAccessKey: 'qQlP5O7CFPc5m5IXf1vYhuVTFj7BRVJqh0FqZ86S',
  sessionToken: 'eyJ.x.y',
  expiration: new Date('2018-08-22T00:10:29Z'),
  expirationText: '2018-08-21T17:10:29-07:00',
}
const callerIdentity = { account: '000000000000', arn: 'arn:aws:iam::0:root', userId: 'u' }

function refusalOf(status: number, body: string): unknown {
  try {
    decodeStsAnswer('AssumeRole', status, body)
  } catch (error) {
    return error
  }
  return undefined
}

describe('STS answer', () => {
  it.each(['AssumeRoleWithClientGrants', 'AssumeRoleWithWebIdentity'])(
    'an answer to %s reads back with its credentials, subject and request id',
    (action) => {
      const document = encodeStsSuccess(action, { credentials, subject: 'a<b>&c' }, '18EA')
      const answer: StsAnswer = { credentials, subject: 'a<b>&c', requestId: '18EA' }
      expect(decodeStsAnswer(action, 200, document)).toEqual(answer)
    },
  )

  it('an answer to AssumeRole has no subject', () => {
    const document = encodeStsSuccess('AssumeRole', { credentials, subject: 'x' }, '18EA')
    expect(document).not.toContain('Subject')
    expect(decodeStsAnswer('AssumeRole', 200, document)).toEqual({ credentials, requestId: '18EA' })
  })

  it('an answer to GetCallerIdentity has the identity and no credentials', () => {
    const document = encodeStsSuccess('GetCallerIdentity', { callerIdentity }, '18EA')
    expect(document).not.toContain('Credentials')
    expect(decodeStsAnswer('GetCallerIdentity', 200, document)).toEqual({
      callerIdentity,
      requestId: '18EA',
    })
  })

  it('an STS answer has the elements, the order and the namespace of MinIO, and AWS’s name of the role’s id', () => {
    const document = encodeStsSuccess(
      'AssumeRoleWithClientGrants',
      { credentials, subject: 's', assumedRole: { arn: 'arn:a', id: 'AROA:b' } },
      '18EA',
    )
    expect(document).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n' +
        '<AssumeRoleWithClientGrantsResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">' +
        '<AssumeRoleWithClientGrantsResult>' +
        '<AssumedRoleUser><Arn>arn:a</Arn><AssumeRoleId>AROA:b</AssumeRoleId>' +
        '<AssumedRoleId>AROA:b</AssumedRoleId></AssumedRoleUser>' +
        '<Credentials><AccessKeyId>NUIBORZYTV2HG2BMRSXR</AccessKeyId>' +
        '<SecretAccessKey>qQlP5O7CFPc5m5IXf1vYhuVTFj7BRVJqh0FqZ86S</SecretAccessKey>' +
        '<SessionToken>eyJ.x.y</SessionToken>' +
        '<Expiration>2018-08-21T17:10:29-07:00</Expiration></Credentials>' +
        '<SubjectFromToken>s</SubjectFromToken></AssumeRoleWithClientGrantsResult>' +
        '<ResponseMetadata><RequestId>18EA</RequestId></ResponseMetadata>' +
        '</AssumeRoleWithClientGrantsResponse>',
    )
  })

  it('an STS answer reads back with any texts in it', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 }).filter((t) => t.trim() === t)
    fc.assert(
      fc.property(text, text, text, text, (accessKeyId, secretAccessKey, sessionToken, subject) => {
        const given = { ...credentials, accessKeyId, secretAccessKey, sessionToken }
        const action = 'AssumeRoleWithWebIdentity'
        const document = encodeStsSuccess(action, { credentials: given, subject }, 'id')
        const answer = decodeStsAnswer(action, 200, document)
        expect(answer).toEqual({ credentials: given, subject, requestId: 'id' })
      }),
    )
  })

  it('an answer of 2018 without a request id and with Expiration before SessionToken is read', () => {
    const body =
      '<AssumeRoleWithClientGrantsResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">' +
      '<AssumeRoleWithClientGrantsResult><AssumedRoleUser><Arn></Arn><AssumeRoleId></AssumeRoleId>' +
      '</AssumedRoleUser><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>s</SecretAccessKey>' +
      '<Expiration>2018-08-21T17:10:29-07:00</Expiration><SessionToken>t</SessionToken></Credentials>' +
      '</AssumeRoleWithClientGrantsResult><ResponseMetadata></ResponseMetadata>' +
      '</AssumeRoleWithClientGrantsResponse>'
    expect(decodeStsAnswer('AssumeRoleWithClientGrants', 200, body)).toEqual({
      requestId: undefined,
      credentials: { ...credentials, accessKeyId: 'A', secretAccessKey: 's', sessionToken: 't' },
    })
  })
})

describe('STS refusal', () => {
  it('an STS refusal reads back with its code, message, status and request id', () => {
    const error = new AwsError('ExpiredToken', 'token is <expired> & gone')
    const read = refusalOf(400, encodeStsError(error, '18EA'))
    expect(read).toBeInstanceOf(AwsError)
    expect(read).toMatchObject({
      code: 'ExpiredToken',
      message: 'token is <expired> & gone',
      status: 400,
      requestId: '18EA',
    })
  })

  it('an STS refusal always has an empty Type', () => {
    expect(encodeStsError(new AwsError('AccessDenied', 'no'), 'id')).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n' +
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type></Type>' +
        '<Code>AccessDenied</Code><Message>no</Message></Error><RequestId>id</RequestId></ErrorResponse>',
    )
  })

  it('an STS refusal with an unknown code keeps its code and status', () => {
    const error = new AwsError('XMinioNovelty', 'new', { status: 418 })
    expect(refusalOf(418, encodeStsError(error, 'id'))).toMatchObject({
      code: 'XMinioNovelty',
      status: 418,
      message: 'new',
    })
  })

  it('an S3 error document is read as a refusal, since MinIO sends it without an STS route', () => {
    const body =
      '<Error><Code>BadRequest</Code><Message>bad</Message><RequestId>7</RequestId></Error>'
    expect(refusalOf(400, body)).toMatchObject({
      name: 'AwsError',
      code: 'BadRequest',
      requestId: '7',
    })
  })

  it('a refusal under status 200 is still a refusal', () => {
    expect(refusalOf(200, encodeStsError(new AwsError('AccessDenied', 'no'), 'id'))).toMatchObject({
      code: 'AccessDenied',
    })
  })
})

describe('invalid STS answer', () => {
  const good = encodeStsSuccess('AssumeRole', { credentials }, 'id')
  it.each([
    ['an empty body', 200, ' \n'],
    ['an HTML page', 502, '<!DOCTYPE html><html></html>'],
    ['JSON', 200, '{"error":"no"}'],
    ['plain text', 500, 'internal error'],
    ['an error without a code', 400, '<ErrorResponse><Error><Code></Code></Error></ErrorResponse>'],
    ['another action', 200, encodeStsSuccess('AssumeRoleWithWebIdentity', { credentials }, 'id')],
    ['a success under another status', 500, good],
    ['no credentials', 200, encodeStsSuccess('AssumeRole', {}, 'id')],
    ['an empty secret', 200, good.replace(credentials.secretAccessKey, '')],
    ['no session token', 200, good.replace(/<SessionToken>.*<\/SessionToken>/, '')],
    ['an invalid date', 200, good.replace(credentials.expirationText, 'soon')],
    ['a document that is too long', 200, `<r>${'x'.repeat(1024 * 1024)}</r>`],
  ])('%s is a protocol error', (_what, status, body) => {
    const error = refusalOf(status, body)
    expect(error).toBeInstanceOf(StsCliError)
    expect(error).toMatchObject({ code: 'ERR_PROTOCOL', stage: 'sts', httpStatus: status })
    expect(error).toMatchObject({ reason: 'sts-answer-invalid' })
  })

  it('an error about an STS answer never repeats a secret', () => {
    expect(String(refusalOf(500, good))).not.toContain(credentials.secretAccessKey)
  })
})
