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

describe('minio format', () => {
  it.each(goVectors.output)(
    'the minio format has the same bytes as Go’s output for $fields',
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

describe('JSON formats', () => {
  it('the json format has the time in UTC and ends with one newline', async () => {
    expect(await render('json')).toBe(`{
  "accessKeyId": "AKEY",
  "secretAccessKey": "s/+=",
  "sessionToken": "tok",
  "expiration": "2026-11-23T17:00:00Z",
  "endpoint": "http://127.0.0.1:9000/"
}
`)
  })

  it('the process format is a version 1 document of credential_process', async () => {
    expect(await render('process')).toBe(
      '{"Version":1,"AccessKeyId":"AKEY","SecretAccessKey":"s/+=","SessionToken":"tok","Expiration":"2026-11-23T17:00:00Z"}\n',
    )
  })
})

describe('env format', () => {
  it('the env format sets credentials, service endpoints and region, but no global endpoint', async () => {
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

  it('the env format unsets conflicting variables only if they are set', async () => {
    const env = { AWS_PROFILE: 'work', AWS_SECURITY_TOKEN: '', AWS_OTHER: 'x', AWS_REGION: 'r' }
    const lines = (await render('env', {}, { env, hasEndpoint: false })).split('\n')
    expect(lines.slice(0, 2)).toEqual(['unset AWS_SECURITY_TOKEN;', 'unset AWS_PROFILE;'])
    expect(lines).toHaveLength(2 + 4 + 1)
  })

  it.each([
    ['a region in the environment', { env: { AWS_DEFAULT_REGION: 'eu-west-1' } }, undefined],
    ['a flag that overrides it', { env: { AWS_REGION: 'r' }, region: 'eu-north-1' }, 'eu-north-1'],
    ['no region', {}, 'us-east-1'],
  ])('the env format sets AWS_REGION if needed, with %s', async (_case, options, region) => {
    // Newer SDKs read AWS_REGION, boto3 reads AWS_DEFAULT_REGION.
    for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION']) {
      const [, found] = new RegExp(`${name}='(.*)'`).exec(await render('env', {}, options)) ?? []
      expect(found).toBe(region)
    }
  })

  it.each(['https://sts.eu-west-1.amazonaws.com', 'https://sts.cn-north-1.amazonaws.com.cn/'])(
    'the env format sets no region or endpoint for %s, whose S3 has another endpoint',
    async (stsEndpoint) => {
      expect(await render('env', { stsEndpoint })).not.toMatch(/REGION|ENDPOINT/)
    },
  )
})

/** Characters that a secret, a token or an endpoint can hold and some format cannot write. */
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

describe('dotenv format', () => {
  it('the dotenv format has one line a variable, without quotes', async () => {
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

  it.each(hostile)('the dotenv format refuses %j, since its readers disagree', async (value) => {
    await expect(render('dotenv', { sessionToken: value })).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: 'the value of AWS_SESSION_TOKEN cannot be written in the format dotenv',
    })
  })
})

describe('ini format', () => {
  it('the ini format is a section of a credentials file', async () => {
    expect(await render('ini', {}, { alias: 'ci' })).toBe(`[ci]
aws_access_key_id = AKEY
aws_secret_access_key = s/+=
aws_session_token = tok
x_security_token_expires = 2026-11-23T17:00:00Z
endpoint_url = http://127.0.0.1:9000
region = us-east-1
`)
  })

  it('the ini format has no endpoint or region for AWS, and no endpoint with --no-endpoint', async () => {
    const stsEndpoint = 'https://sts.amazonaws.com'
    expect(await render('ini', { stsEndpoint })).not.toMatch(/endpoint|region/)
    expect(await render('ini', {}, { hasEndpoint: false })).not.toContain('endpoint')
  })

  it.each(['two\nlines', 'a\rb', ' edge', 'edge ', 'x #comment', 'x ;comment', '\u0000'])(
    'the ini format refuses %j',
    async (value) => {
      await expect(render('ini', { secretAccessKey: value })).rejects.toMatchObject({
        code: 'ERR_DATA',
        message: 'the value of aws_secret_access_key cannot be written in the format ini',
      })
    },
  )
})

describe('mc format', () => {
  it('the mc format is one variable with key, secret and token unescaped', async () => {
    const over = { sessionToken: 'a@b:c/%41', stsEndpoint: 'https://minio.example:9000/' }
    expect(await render('mc', over, { alias: 'ci' })).toBe(
      `export MC_HOST_ci='https://AKEY:s/+=:a@b:c/%41@minio.example:9000';\n`,
    )
    expect(await render('mc', {}, { shell: 'fish' })).toMatch(/^set -gx MC_HOST_sts '/)
  })

  it('the mc format uses the S3 endpoint of AWS for AWS credentials', async () => {
    const stsEndpoint = 'https://sts.eu-west-1.amazonaws.com'
    expect(await render('mc', { stsEndpoint })).toContain('@s3.amazonaws.com')
  })

  it.each([
    [{ secretAccessKey: 'a:b' }, 'an access key with a colon'],
    [{ accessKeyId: 'a:b' }, 'an access key with a colon'],
    [{ stsEndpoint: 'http://127.0.0.1:9000/sts' }, 'an endpoint with a path'],
  ])('the mc format refuses values that mc parses differently: %j', async (over, what) => {
    await expect(render('mc', over)).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: `${what} cannot be written in the format mc`,
    })
  })
})

describe('rclone format', () => {
  it('the rclone format defines a remote by variables', async () => {
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

  it('the rclone format leaves endpoint and region to rclone for AWS', async () => {
    const text = await render('rclone', { stsEndpoint: 'https://sts.amazonaws.com' })
    expect(text).toContain(`PROVIDER='AWS'`)
    expect(text).not.toMatch(/ENDPOINT|REGION/)
  })
})

describe('s3cmd format', () => {
  it('the s3cmd format is a configuration file with path-style buckets', async () => {
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

  it.each(['two\nlines', ' edge', '"quoted"'])('the s3cmd format refuses %j', async (value) => {
    await expect(render('s3cmd', { sessionToken: value })).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: 'the value of access_token cannot be written in the format s3cmd',
    })
  })
})

/** Parses a file as GitHub’s runner does: https://github.com/actions/runner, FileCommandManager. */
function readRunnerFile(text: string): Record<string, string> {
  const found = text.matchAll(/^(?<name>[^=\n]+)<<(?<end>.+)\n(?<value>[\s\S]*?)\n\k<end>$/gm)
  return Object.fromEntries([...found].map(({ groups }) => [groups?.['name'], groups?.['value']]))
}

describe('github format', () => {
  const env = { GITHUB_ENV: '/runner/env', GITHUB_OUTPUT: '/runner/output' }

  it('the github format masks on stdout and sets variables and outputs in the runner’s files', async () => {
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

  it('the github format starts on a new line and skips the output file if there is none', async () => {
    const { appends = [] } = await renderDocument('github', {}, { env: { GITHUB_ENV: '/e' } })
    expect(appends.map(({ path, text }) => [path, text.startsWith('\nAWS_')])).toEqual([
      ['/e', true],
    ])
  })

  it('the github format masks each form in which a log may show a value, one a line', async () => {
    const text = await render('github', { sessionToken: '100%"a"\r\nb' }, { env })
    expect(text.split('\n').slice(2)).toEqual([
      '::add-mask::100%25"a"%0D%0Ab',
      String.raw`::add-mask::100%25\"a\"\r\nb`,
      '',
    ])
  })

  it('the github format prevents a value from ending early and repeats no delimiter', async () => {
    const sessionToken = 'a\nEVIL=1\nghadelimiter_0\nEVIL<<x\n1\nx'
    const { appends = [] } = await renderDocument('github', { sessionToken }, { env })
    const [{ text } = { text: '' }] = appends
    expect(readRunnerFile(text)).toMatchObject({ AWS_SESSION_TOKEN: sessionToken })
    expect(readRunnerFile(text)).not.toHaveProperty('EVIL')
    const delimiters = [...text.matchAll(/<<(ghadelimiter_.*)$/gm)].map(([, end]) => end)
    expect(new Set(delimiters).size).toBe(8)
  })
})
