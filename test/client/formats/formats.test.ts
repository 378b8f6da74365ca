import { describe, expect, it } from 'vitest'
import type { Document, FormatOptions } from '../../../src/client/formats/format.ts'
import { formats } from '../../../src/client/formats/index.ts'
import type { IssuedCredentials } from '../../../src/protocol/credentials.ts'
import { goVectors } from '../../support/go-vectors.ts'

const plain: FormatOptions = {
  env: {},
  hasEndpoint: true,
  region: undefined,
  shell: 'sh',
  alias: 'sts',
}

function makeCredentials(over: Partial<IssuedCredentials> = {}): IssuedCredentials {
  return {
    accessKeyId: 'AKEY',
    secretAccessKey: 's/+=',
    sessionToken: 'tok',
    expiresAtMs: Date.parse('2026-11-23T17:00:00Z'),
    issuedAtMs: Date.parse('2026-11-23T16:00:00Z'),
    expirationText: '2026-11-23T18:00:00+01:00',
    stsEndpoint: 'http://127.0.0.1:9000/',
    ...over,
  }
}

async function render(
  name: string,
  over: Partial<IssuedCredentials> = {},
  options: Partial<FormatOptions> = {},
): Promise<string> {
  const document = await renderDocument(name, over, options)
  return document.text
}

async function renderDocument(
  name: string,
  over: Partial<IssuedCredentials> = {},
  options: Partial<FormatOptions> = {},
): Promise<Document> {
  const format = await formats[name]?.()
  return format?.(makeCredentials(over), { ...plain, ...options }) ?? { text: 'no such format' }
}

describe('the minio format', () => {
  it.each(goVectors.output)(
    'is byte for byte what Go prints for $fields',
    async ({ fields, go }) => {
      const [accessKeyId, secretAccessKey, expirationText, sessionToken] = fields
      const expiresAtMs = Date.parse(expirationText)
      const text = await render('minio', {
        accessKeyId,
        secretAccessKey,
        sessionToken,
        expirationText,
        expiresAtMs,
      })
      expect(`##### Credentials\n${text}`).toBe(go)
    },
  )
})

describe('the JSON formats', () => {
  it('say the time in UTC and end in one newline', async () => {
    expect(await render('json')).toBe(`{
  "accessKeyId": "AKEY",
  "secretAccessKey": "s/+=",
  "sessionToken": "tok",
  "expiration": "2026-11-23T17:00:00Z",
  "endpoint": "http://127.0.0.1:9000/"
}
`)
  })

  it('have the version-1 document of credential_process', async () => {
    expect(await render('process')).toBe(
      '{"Version":1,"AccessKeyId":"AKEY","SecretAccessKey":"s/+=","SessionToken":"tok","Expiration":"2026-11-23T17:00:00Z"}\n',
    )
  })
})

describe('the env format', () => {
  it('sets the credentials, the endpoints and a region, never the global endpoint', async () => {
    expect(await render('env')).toBe(`export AWS_ACCESS_KEY_ID='AKEY';
export AWS_SECRET_ACCESS_KEY='s/+=';
export AWS_SESSION_TOKEN='tok';
export AWS_CREDENTIAL_EXPIRATION='2026-11-23T17:00:00Z';
export AWS_ENDPOINT_URL_S3='http://127.0.0.1:9000';
export AWS_ENDPOINT_URL_STS='http://127.0.0.1:9000';
export AWS_REGION='us-east-1';
export AWS_DEFAULT_REGION='us-east-1';
`)
  })

  it('unsets what would win over it, and only where it is there', async () => {
    const env = { AWS_PROFILE: 'work', AWS_SECURITY_TOKEN: '', AWS_OTHER: 'x', AWS_REGION: 'r' }
    const lines = (await render('env', {}, { env, hasEndpoint: false })).split('\n')
    expect(lines.slice(0, 2)).toEqual(['unset AWS_SECURITY_TOKEN;', 'unset AWS_PROFILE;'])
    expect(lines).toHaveLength(2 + 4 + 1)
  })

  it.each([
    ['a region in the environment', { env: { AWS_DEFAULT_REGION: 'eu-west-1' } }, undefined],
    ['a region flag over that', { env: { AWS_REGION: 'r' }, region: 'eu-north-1' }, 'eu-north-1'],
    ['none at all', {}, 'us-east-1'],
  ])('leaves alone or sets the region with %s', async (_case, options, region) => {
    // Newer SDKs read the one, boto3 the other.
    for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION']) {
      const [, found] = new RegExp(`${name}='(.*)'`).exec(await render('env', {}, options)) ?? []
      expect(found).toBe(region)
    }
  })

  it.each(['https://sts.eu-west-1.amazonaws.com', 'https://sts.cn-north-1.amazonaws.com.cn/'])(
    'leaves region and endpoints to the SDK for %s, whose S3 is elsewhere',
    async (stsEndpoint) => {
      expect(await render('env', { stsEndpoint })).not.toMatch(/REGION|ENDPOINT/)
    },
  )
})

/** What a secret, a token or an endpoint can hold that some format has no way to write. */
const hostile = [
  'a b',
  `it's`,
  '"x"',
  '$HOME',
  'back\\slash',
  'two\nlines',
  'a\rb',
  'x #comment',
  '\u0000',
  'ü',
]

describe('the dotenv format', () => {
  it('has a line a variable, without quotes', async () => {
    expect(await render('dotenv', {}, { hasEndpoint: false, region: 'eu-west-1' }))
      .toBe(`AWS_ACCESS_KEY_ID=AKEY
AWS_SECRET_ACCESS_KEY=s/+=
AWS_SESSION_TOKEN=tok
AWS_CREDENTIAL_EXPIRATION=2026-11-23T17:00:00Z
AWS_REGION=eu-west-1
AWS_DEFAULT_REGION=eu-west-1
`)
    expect(await render('dotenv', { stsEndpoint: 'http://[::1]:9000' })).toContain(
      'AWS_ENDPOINT_URL_S3=http://[::1]:9000\n',
    )
  })

  it.each(hostile)('refuses %j, which its readers take for different things', async (value) => {
    await expect(render('dotenv', { sessionToken: value })).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: 'the value of AWS_SESSION_TOKEN cannot be written in the format dotenv',
    })
  })
})

describe('the ini format', () => {
  it('is a section of a credentials file', async () => {
    expect(await render('ini', {}, { alias: 'ci' })).toBe(`[ci]
aws_access_key_id = AKEY
aws_secret_access_key = s/+=
aws_session_token = tok
x_security_token_expires = 2026-11-23T17:00:00Z
endpoint_url = http://127.0.0.1:9000
region = us-east-1
`)
  })

  it('has no endpoint and no region for AWS, nor the endpoint when told so', async () => {
    const stsEndpoint = 'https://sts.amazonaws.com'
    expect(await render('ini', { stsEndpoint })).not.toMatch(/endpoint|region/)
    expect(await render('ini', {}, { hasEndpoint: false })).not.toContain('endpoint')
  })

  it.each(['two\nlines', 'a\rb', ' edge', 'edge ', 'x #comment', 'x ;comment', '\u0000'])(
    'refuses %j',
    async (value) => {
      await expect(render('ini', { secretAccessKey: value })).rejects.toMatchObject({
        code: 'ERR_DATA',
        message: 'the value of aws_secret_access_key cannot be written in the format ini',
      })
    },
  )
})

describe('the mc format', () => {
  it('is one variable with key, secret and token as they are', async () => {
    const over = { sessionToken: 'a@b:c/%41', stsEndpoint: 'https://minio.example:9000/' }
    expect(await render('mc', over, { alias: 'ci' })).toBe(
      `export MC_HOST_ci='https://AKEY:s/+=:a@b:c/%41@minio.example:9000';\n`,
    )
    expect(await render('mc', {}, { shell: 'fish' })).toMatch(/^set -gx MC_HOST_sts '/)
  })

  it('names the S3 of AWS for credentials of AWS', async () => {
    const stsEndpoint = 'https://sts.eu-west-1.amazonaws.com'
    expect(await render('mc', { stsEndpoint })).toContain('@s3.amazonaws.com')
  })

  it.each([
    [{ secretAccessKey: 'a:b' }, 'an access key with a colon'],
    [{ accessKeyId: 'a:b' }, 'an access key with a colon'],
    [{ stsEndpoint: 'http://127.0.0.1:9000/sts' }, 'an endpoint with a path'],
  ])('refuses what mc would take apart wrongly: %j', async (over, what) => {
    await expect(render('mc', over)).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: `${what} cannot be written in the format mc`,
    })
  })
})

describe('the rclone format', () => {
  it('is a remote in variables', async () => {
    expect(await render('rclone', {}, { alias: 'ci' })).toBe(`export RCLONE_CONFIG_CI_TYPE='s3';
export RCLONE_CONFIG_CI_PROVIDER='Minio';
export RCLONE_CONFIG_CI_ENV_AUTH='false';
export RCLONE_CONFIG_CI_ACCESS_KEY_ID='AKEY';
export RCLONE_CONFIG_CI_SECRET_ACCESS_KEY='s/+=';
export RCLONE_CONFIG_CI_SESSION_TOKEN='tok';
export RCLONE_CONFIG_CI_ENDPOINT='http://127.0.0.1:9000';
export RCLONE_CONFIG_CI_REGION='us-east-1';
`)
  })

  it('leaves endpoint and region to rclone at AWS', async () => {
    const text = await render('rclone', { stsEndpoint: 'https://sts.amazonaws.com' })
    expect(text).toContain(`PROVIDER='AWS'`)
    expect(text).not.toMatch(/ENDPOINT|REGION/)
  })
})

describe('the s3cmd format', () => {
  it('is a configuration file whose buckets stand in the path', async () => {
    expect(await render('s3cmd')).toBe(`[default]
access_key = AKEY
secret_key = s/+=
access_token = tok
host_base = 127.0.0.1:9000
host_bucket = 127.0.0.1:9000
use_https = False
bucket_location = us-east-1
`)
    const stsEndpoint = 'https://minio.example'
    expect(await render('s3cmd', { stsEndpoint })).toContain('use_https = True')
    expect(await render('s3cmd', { stsEndpoint: 'https://sts.amazonaws.com' })).not.toContain(
      'host',
    )
  })

  it.each(['two\nlines', ' edge', '"quoted"'])('refuses %j', async (value) => {
    await expect(render('s3cmd', { sessionToken: value })).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: 'the value of access_token cannot be written in the format s3cmd',
    })
  })
})

/** What the runner makes of one of its files: https://github.com/actions/runner, FileCommandManager. */
function readRunnerFile(text: string): Record<string, string> {
  const found = text.matchAll(/^(?<name>[^=\n]+)<<(?<end>.+)\n(?<value>[\s\S]*?)\n\k<end>$/gm)
  return Object.fromEntries([...found].map(({ groups }) => [groups?.['name'], groups?.['value']]))
}

describe('the github format', () => {
  const env = { GITHUB_ENV: '/runner/env', GITHUB_OUTPUT: '/runner/output' }

  it('masks on stdout, sets variables and outputs in the runner’s files', async () => {
    const { text, appends = [] } = await renderDocument('github', {}, { env })
    expect(text).toBe('::add-mask::AKEY\n::add-mask::s/+=\n::add-mask::tok\n')
    expect(appends.map(({ path }) => path)).toEqual(['/runner/env', '/runner/output'])
    expect(appends.map((file) => readRunnerFile(file.text))).toEqual([
      {
        AWS_ACCESS_KEY_ID: 'AKEY',
        AWS_SECRET_ACCESS_KEY: 's/+=',
        AWS_SESSION_TOKEN: 'tok',
        AWS_CREDENTIAL_EXPIRATION: '2026-11-23T17:00:00Z',
        AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9000',
        AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:9000',
        AWS_REGION: 'us-east-1',
        AWS_DEFAULT_REGION: 'us-east-1',
      },
      {
        'aws-access-key-id': 'AKEY',
        'aws-secret-access-key': 's/+=',
        'aws-session-token': 'tok',
        'aws-expiration': '2026-11-23T17:00:00Z',
      },
    ])
  })

  it('begins on a line of its own whatever an earlier step left, and has no output without a file', async () => {
    const { appends = [] } = await renderDocument('github', {}, { env: { GITHUB_ENV: '/e' } })
    expect(appends.map(({ path, text }) => [path, text.startsWith('\nAWS_')])).toEqual([
      ['/e', true],
    ])
  })

  it('masks each form in which a log may show a value, one line each', async () => {
    const text = await render('github', { sessionToken: '100%"a"\r\nb' }, { env })
    expect(text.split('\n').slice(2)).toEqual([
      '::add-mask::100%25"a"%0D%0Ab',
      String.raw`::add-mask::100%25\"a\"\r\nb`,
      '',
    ])
  })

  it('lets no value end early, and no two delimiters be one', async () => {
    const sessionToken = 'a\nEVIL=1\nghadelimiter_0\nEVIL<<x\n1\nx'
    const { appends = [] } = await renderDocument('github', { sessionToken }, { env })
    const [{ text } = { text: '' }] = appends
    expect(readRunnerFile(text)).toMatchObject({ AWS_SESSION_TOKEN: sessionToken })
    expect(readRunnerFile(text)).not.toHaveProperty('EVIL')
    const delimiters = [...text.matchAll(/<<(ghadelimiter_.*)$/gm)].map(([, end]) => end)
    expect(new Set(delimiters).size).toBe(8)
  })
})
