import { describe, expect, it } from 'vitest'
import type { RememberedCredentials } from '../../src/client/credential-cache.ts'
import { formats, type FormatOptions } from '../../src/client/formats/index.ts'
import { goVectors } from './go-vectors.ts'

const plain: FormatOptions = { env: {}, hasEndpoint: true, region: undefined, shell: 'sh' }

function makeCredentials(over: Partial<RememberedCredentials> = {}): RememberedCredentials {
  return {
    version: 1,
    accessKeyId: 'AKEY',
    secretAccessKey: 's/+=',
    sessionToken: 'tok',
    expiresAtMs: Date.parse('2026-11-23T17:00:00Z'),
    issuedAtMs: Date.parse('2026-11-23T16:00:00Z'),
    expirationText: '2026-11-23T18:00:00+01:00',
    stsEndpoint: 'http://127.0.0.1:9000/',
    profile: 'default',
    inputs: '',
    ...over,
  }
}

function render(
  name: string,
  over: Partial<RememberedCredentials> = {},
  options: Partial<FormatOptions> = {},
): string {
  return formats[name]?.(makeCredentials(over), { ...plain, ...options }) ?? 'no such format'
}

describe('the minio format', () => {
  it.each(goVectors.output)('is byte for byte what Go prints for $fields', ({ fields, go }) => {
    const [accessKeyId, secretAccessKey, expirationText, sessionToken] = fields
    const expiresAtMs = Date.parse(expirationText)
    const text = render('minio', {
      accessKeyId,
      secretAccessKey,
      sessionToken,
      expirationText,
      expiresAtMs,
    })
    expect(`##### Credentials\n${text}`).toBe(go)
  })
})

describe('the JSON formats', () => {
  it('say the time in UTC and end in one newline', () => {
    expect(render('json')).toBe(`{
  "accessKeyId": "AKEY",
  "secretAccessKey": "s/+=",
  "sessionToken": "tok",
  "expiration": "2026-11-23T17:00:00Z",
  "endpoint": "http://127.0.0.1:9000/"
}
`)
  })

  it('have the version-1 document of credential_process', () => {
    expect(render('process')).toBe(
      '{"Version":1,"AccessKeyId":"AKEY","SecretAccessKey":"s/+=","SessionToken":"tok","Expiration":"2026-11-23T17:00:00Z"}\n',
    )
  })
})

describe('the env format', () => {
  it('sets the credentials, the endpoints and a region, never the global endpoint', () => {
    expect(render('env')).toBe(`export AWS_ACCESS_KEY_ID='AKEY';
export AWS_SECRET_ACCESS_KEY='s/+=';
export AWS_SESSION_TOKEN='tok';
export AWS_CREDENTIAL_EXPIRATION='2026-11-23T17:00:00Z';
export AWS_ENDPOINT_URL_S3='http://127.0.0.1:9000';
export AWS_ENDPOINT_URL_STS='http://127.0.0.1:9000';
export AWS_REGION='us-east-1';
export AWS_DEFAULT_REGION='us-east-1';
`)
  })

  it('unsets what would win over it, and only where it is there', () => {
    const env = { AWS_PROFILE: 'work', AWS_SECURITY_TOKEN: '', AWS_OTHER: 'x', AWS_REGION: 'r' }
    const lines = render('env', {}, { env, hasEndpoint: false }).split('\n')
    expect(lines.slice(0, 2)).toEqual(['unset AWS_SECURITY_TOKEN;', 'unset AWS_PROFILE;'])
    expect(lines).toHaveLength(2 + 4 + 1)
  })

  it.each([
    ['a region in the environment', { env: { AWS_DEFAULT_REGION: 'eu-west-1' } }, undefined],
    ['a region flag over that', { env: { AWS_REGION: 'r' }, region: 'eu-north-1' }, 'eu-north-1'],
    ['none at all', {}, 'us-east-1'],
  ])('leaves alone or sets the region with %s', (_case, options, region) => {
    // Newer SDKs read the one, boto3 the other.
    for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION']) {
      const [, found] = new RegExp(`${name}='(.*)'`).exec(render('env', {}, options)) ?? []
      expect(found).toBe(region)
    }
  })

  it.each(['https://sts.eu-west-1.amazonaws.com', 'https://sts.cn-north-1.amazonaws.com.cn/'])(
    'sets no region for %s',
    (stsEndpoint) => {
      expect(render('env', { stsEndpoint })).not.toContain('REGION')
    },
  )
})
