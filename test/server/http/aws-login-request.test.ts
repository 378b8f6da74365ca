import { describe, expect, it } from 'vitest'
import { isAwsLoginRequest } from '../../../src/server/http/aws-login-request.ts'
import { makeHttpRequest } from '../../support/server/make-request.ts'

interface Asked {
  readonly method?: string
  readonly rawPath: string
  readonly rawQuery?: string
  readonly headers?: Readonly<Record<string, string>>
}

const isLogin = ({ headers = {}, ...asked }: Asked): boolean =>
  isAwsLoginRequest(makeHttpRequest({ ...asked, headers: new Map(Object.entries(headers)) }))
const json = { 'content-type': 'application/json' }
const bearer = { 'x-amz-sso_bearer_token': 'x' }
const signature = { authorization: 'AWS4-HMAC-SHA256 Credential=x' }
const asksForCode = 'response_type=code&client_id=x'

const logins: readonly Asked[] = [
  { rawPath: '/v1/authorize', rawQuery: asksForCode },
  { rawPath: '/authorize', rawQuery: asksForCode },
  { method: 'POST', rawPath: '/v1/token', headers: { ...json, dpop: 'x' } },
  { method: 'POST', rawPath: '/token', headers: json },
  { method: 'POST', rawPath: '/client/register', headers: json },
  { method: 'POST', rawPath: '/device_authorization', headers: json },
  { rawPath: '/federation/credentials', rawQuery: 'role_name=a', headers: bearer },
  { rawPath: '/assignment/accounts', headers: bearer },
  { rawPath: '/assignment/roles', headers: bearer },
  { method: 'POST', rawPath: '/logout', headers: bearer },
]

describe('the requests of AWS’s login', () => {
  it.each(logins)('are told by their marks: $method $rawPath', (asked) => {
    expect(isLogin(asked)).toBe(true)
  })

  it.each(logins)('are none when they are signed: $method $rawPath', (asked) => {
    expect(isLogin({ ...asked, headers: { ...asked.headers, ...signature } })).toBe(false)
    const rawQuery = `${asked.rawQuery ?? ''}&X-Amz-Signature=x`
    expect(isLogin({ ...asked, rawQuery })).toBe(false)
  })

  it.each(logins)('leave buckets of these names alone: $rawPath', ({ rawPath }) => {
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'POST'])
      for (const rawQuery of ['', 'uploads=', 'list-type=2', 'delete=', 'response-content-type=a'])
        for (const type of ['', 'application/xml', 'multipart/form-data; boundary=x'])
          expect(isLogin({ method, rawPath, rawQuery, headers: { 'content-type': type } })).toBe(
            false,
          )
    const upload = { rawPath, headers: json }
    expect(isLogin({ ...upload, method: 'PUT' })).toBe(false)
    expect(isLogin({ ...upload, method: 'POST', rawQuery: 'uploads=' })).toBe(false)
  })
})
