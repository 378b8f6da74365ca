import { readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  idpToken,
  json,
  minioJson,
  openStage,
  type Ran,
  type Stage,
} from '../support/commands/harness.ts'

let stage: Stage
let exchange: (argv: readonly string[], options?: Parameters<Stage['cli']>[1]) => Promise<Ran>

beforeEach(async () => {
  stage = await openStage()
  exchange = (argv, options) => stage.cli(['exchange', '-sts-ep', stage.sts.url, ...argv], options)
})

/** Returns the flags of the client and the provider: `token` has no STS flags. */
function idpFlags(): string[] {
  return stage.flags.filter((word) => word !== '-sts-ep' && word !== stage.sts.url)
}

describe('token', () => {
  it('token prints only the token and sends no request to the STS', async () => {
    const ran = await stage.cli(['token', ...idpFlags()])
    expect(ran).toMatchObject({ code: 0, stdout: `${idpToken}\n`, stderr: '' })
    expect(stage.sts.seen).toEqual([])
  })

  it('token --header prints a header for curl', async () => {
    const { stdout } = await stage.cli(['token', ...idpFlags(), '--header'])
    expect(stdout).toBe(`Authorization: Bearer ${idpToken}\n`)
  })

  it('token --json prints the whole answer', async () => {
    const answer = { access_token: idpToken, token_type: 'bearer', scope: 'a b', extra: [1] }
    stage.idp.answer = json(answer)
    const { stdout } = await stage.cli(['token', ...idpFlags(), '--json'])
    expect(JSON.parse(stdout)).toEqual(answer)
  })

  it('token -o writes a file readable only by its owner', async () => {
    const file = path.join(stage.home, 'token')
    const { stdout } = await stage.cli(['token', ...idpFlags(), '-o', file])
    expect(stdout).toBe('')
    expect(await readFile(file, 'utf8')).toBe(`${idpToken}\n`)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  it('token has no --token flag', async () => {
    const { code, stderr } = await stage.cli(['token', ...idpFlags(), '--token', 'x'])
    expect(code).toBe(64)
    expect(stderr).toContain('flag provided but not defined: -token')
  })
})

describe('exchange', () => {
  it('exchange sends the given token, asks no provider and caches nothing', async () => {
    expect(await exchange([idpToken])).toMatchObject({ code: 0, stdout: minioJson, stderr: '' })
    expect(stage.sts.seen[0]?.form.get('Token')).toBe(idpToken)
    expect(stage.sts.seen[0]?.form.has('DurationSeconds')).toBe(false)
    expect(stage.idp.seen).toEqual([])
    expect((await stage.cli(['status'])).code).toBe(1)
  })

  it('exchange reads the token from stdin and drops the newline', async () => {
    await exchange(['-'], { stdin: `${idpToken}\n` })
    expect(stage.sts.seen[0]?.form.get('Token')).toBe(idpToken)
  })

  it.each([
    ['--token', (token: string, _file: string) => ['--token', token]],
    ['--token-file', (_token: string, file: string) => ['--token-file', file]],
  ])('exchange takes the token from %s', async (_name, flags) => {
    const file = path.join(stage.home, 'jwt')
    await writeFile(file, `${idpToken}\n`)
    expect(await exchange(flags(idpToken, file))).toMatchObject({ code: 0 })
    expect(stage.sts.seen[0]?.form.get('Token')).toBe(idpToken)
  })

  it.each(['STS_CLI_TOKEN_FILE', 'AWS_WEB_IDENTITY_TOKEN_FILE'])(
    'exchange reads the token from the file that %s names',
    async (variable) => {
      const file = path.join(stage.home, 'jwt')
      await writeFile(file, idpToken)
      expect(await exchange([], { env: { [variable]: file } })).toMatchObject({ code: 0 })
    },
  )

  it('exchange exits 66 when the token file is missing', async () => {
    const { code, stderr } = await exchange(['--token-file', '/nowhere/jwt'])
    expect(code).toBe(66)
    expect(stderr).toBe(
      'error: config: the token file /nowhere/jwt cannot be read (no such file or folder)\n',
    )
  })

  it.each([
    ['no token', [], 64, 'no token is given'],
    ['two tokens', ['a', 'b'], 64, 'exchange takes one token'],
    ['an empty stdin', ['-'], 65, 'the token is empty'],
    [
      'two flags for one token',
      ['--token', 'a', '--token-file', 'b'],
      64,
      'cannot be used together',
    ],
    ['two policies', ['t', '--policy', '{}', '--policy-file', 'f'], 64, 'cannot be used together'],
    ['an unknown action', ['t', '--action', 'ldap-ish'], 64, '--action "ldap-ish" is not known'],
    ['an invalid duration', ['t', '--duration', 'soon'], 64, 'is not a duration'],
  ])('exchange refuses %s before any request', async (_what, argv, code, message) => {
    const ran = await exchange(argv)
    expect(ran).toMatchObject({ code, stdout: '' })
    expect(ran.stderr).toContain(message)
    expect(stage.sts.seen).toEqual([])
  })

  it('exchange reads a session policy from a file', async () => {
    const file = path.join(stage.home, 'policy.json')
    await writeFile(file, '{"Version":"2012-10-17"}')
    await exchange([idpToken, '--policy-file', file])
    expect(stage.sts.seen[0]?.form.get('Policy')).toBe('{"Version":"2012-10-17"}')
  })

  it('exchange signs AssumeRole with the long-term keys of the environment', async () => {
    const env = { AWS_ACCESS_KEY_ID: 'minio', AWS_SECRET_ACCESS_KEY: 'minio123', AWS_REGION: 'x-1' }
    expect(await exchange(['--action', 'assume-role'], { env })).toMatchObject({ code: 0 })
    const [seen] = stage.sts.seen
    expect(seen?.headers.authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=minio\/20261123\/x-1\/sts\/aws4_request/,
    )
    expect(seen?.form.has('Token')).toBe(false)
  })

  it('exchange refuses AssumeRole without long-term keys', async () => {
    const { code, stderr } = await exchange(['--action=assume-role'])
    expect(code).toBe(64)
    expect(stderr).toContain('hint: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY')
  })
})

describe('STS endpoint', () => {
  it('--sts-endpoint overrides STS_CLI_STS_ENDPOINT, which overrides AWS_ENDPOINT_URL_STS', async () => {
    const sts = stage.sts.url
    const elsewhere = 'http://127.0.0.1:1'
    const runs = [
      stage.cli(['exchange', 't', '-sts-ep', sts], { env: { STS_CLI_STS_ENDPOINT: elsewhere } }),
      stage.cli(['exchange', 't'], {
        env: { STS_CLI_STS_ENDPOINT: sts, AWS_ENDPOINT_URL_STS: elsewhere },
      }),
      stage.cli(['exchange', 't'], {
        env: { STS_CLI_STS_ENDPOINT: '', AWS_ENDPOINT_URL_STS: sts },
      }),
    ]
    expect((await Promise.all(runs)).map(({ code }) => code)).toEqual([0, 0, 0])
  })

  it.each(['localhost:9000', 'ftp://h', 'nonsense', ''])('STS URL %j is refused', async (url) => {
    const { code, stderr } = await stage.cli(['exchange', 't', '-sts-ep', url])
    expect(code).toBe(64)
    expect(stderr).toContain(`--sts-endpoint ${JSON.stringify(url)} is not an http or https URL`)
  })

  it.each(['http://me:hunter2@h/', 'ftp://me:hunter2@h/', 'http://me:hunter2@h:port'])(
    'exchange refuses a password in the STS endpoint and does not print it: %s',
    async (url) => {
      const { code, stderr } = await stage.cli(['exchange', 't', '-sts-ep', url])
      expect(code).toBe(64)
      expect(stderr).not.toContain('hunter2')
    },
  )
})
