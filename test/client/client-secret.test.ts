import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  clientId,
  clientSecret,
  idpToken,
  openStage,
  type Ran,
  type Stage,
} from '../support/commands/harness.ts'

let stage: Stage
let login: (argv: readonly string[], options?: Parameters<Stage['cli']>[1]) => Promise<Ran>

beforeEach(async () => {
  stage = await openStage()
  // The stage's flags but the secret.
  login = (argv, options) =>
    stage.cli(['login', '-q', ...stage.flags.slice(0, -2), ...argv], options)
})

/** What the provider was shown: id and secret, form-decoded as RFC 6749 §2.3.1 has it. */
function readBasic(): string[] {
  const [scheme, text = ''] = stage.idp.seen[0]?.headers.authorization?.split(' ') ?? []
  expect(scheme).toBe('Basic')
  const halves = Buffer.from(text, 'base64').toString('utf8').split(':')
  return halves.map((half) => new URLSearchParams(`v=${half}`).get('v') ?? '')
}

describe('the client secret', () => {
  it('is read from a file, less the newline at its end', async () => {
    const file = path.join(stage.home, 'secret')
    await writeFile(file, `${clientSecret}\n`)
    expect((await login(['--client-secret-file', file])).code).toBe(0)
    expect(readBasic()).toEqual([clientId, clientSecret])
  })

  it('is printed by a command', async () => {
    const command = `printf '%s\\n' ${clientSecret}`
    expect((await login(['--client-secret-command', command])).code).toBe(0)
    expect(readBasic()[1]).toBe(clientSecret)
  })

  it('is read from stdin for a dash', async () => {
    await login(['-csec', '-'], { stdin: `${clientSecret}\n` })
    expect(readBasic()[1]).toBe(clientSecret)
  })

  it('is asked for on a terminal when nothing gives it', async () => {
    const { code, io, stdout } = await login([], { typed: clientSecret })
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(io.prompts).toEqual(['client secret: '])
    expect(readBasic()[1]).toBe(clientSecret)
  })

  it.each([
    ['there is no terminal', [], {}],
    ['--no-input forbids it', ['--no-input'], { typed: clientSecret }],
    ['an empty flag is no answer', ['-csec', ''], {}],
  ])('is missed at once when %s', async (_when, argv, options) => {
    const { code, stderr, io } = await login(argv, options)
    expect(code).toBe(64)
    expect(io.prompts).toEqual([])
    expect(stderr).toBe(
      'error: config: no client secret is given, and there is no terminal to ask at\n' +
        'hint: use -csec, --client-secret-file, or STS_CLI_CLIENT_SECRET\n',
    )
  })

  it.each([
    ['stdin', ['-csec', '-'], { stdin: ' \n' }],
    ['a command', ['--client-secret-command', 'true'], {}],
    ['a prompt', [], { typed: '' }],
  ])('may not be empty: %s', async (_where, argv, options) => {
    const { code, stderr } = await login(argv, options)
    expect(code).toBe(65)
    expect(stderr).toBe('error: config: the client secret is empty\n')
  })

  it('leaves nothing of a failing command’s output in the error', async () => {
    const { code, stderr } = await login([
      '--debug',
      '--client-secret-command',
      `echo ${clientSecret}; exit 3`,
    ])
    expect(code).toBe(66)
    expect(stderr).toContain('the command of --client-secret-command failed (exit code 3)')
    expect(stderr).not.toContain(clientSecret)
  })

  it('ends with 66 when its file is a folder', async () => {
    const { code, stderr } = await login(['--client-secret-file', stage.home])
    expect(code).toBe(66)
    expect(stderr).toContain(`the client secret file ${stage.home} cannot be read`)
  })

  it.each([
    [['-csec', 'a', '--client-secret-file', 'b'], '--client-secret and --client-secret-file'],
    [
      ['--client-secret-file', 'b', '--client-secret-command', 'c'],
      '--client-secret-file and --client-secret-command',
    ],
  ])('comes from one flag alone: %j', async (argv, names) => {
    const { code, stderr } = await login(argv)
    expect(code).toBe(64)
    expect(stderr).toBe(`error: ${names} cannot be used together\n`)
    expect(stage.idp.seen).toEqual([])
  })

  it('comes from a flag before the other’s variable', async () => {
    const file = path.join(stage.home, 'secret')
    await writeFile(file, 'from-file')
    const env = { STS_CLI_CLIENT_SECRET: 'from-env' }
    expect((await login(['--client-secret-file', file], { env })).code).toBe(0)
    expect(readBasic()[1]).toBe('from-file')
  })

  it('does not come from two variables', async () => {
    const env = { STS_CLI_CLIENT_SECRET: 'x', STS_CLI_CLIENT_SECRET_FILE: 'y' }
    expect((await login([], { env })).code).toBe(64)
  })
})

describe('how the client shows itself', () => {
  const strange = 'a b:c%d+e&f=g/hü~*€'

  it('is Basic, both halves form-encoded first', async () => {
    await login(['-cid', strange, '-csec', strange])
    expect(readBasic()).toEqual([strange, strange])
    const [seen] = stage.idp.seen
    const raw = Buffer.from(seen?.headers.authorization?.slice(6) ?? '', 'base64').toString()
    expect(raw.split(':')[0]).toBe('a+b%3Ac%25d%2Be%26f%3Dg%2Fh%C3%BC%7E*%E2%82%AC')
    expect(seen?.body).toBe('grant_type=client_credentials')
  })

  it('is the form with client_secret_post, and then no header', async () => {
    await login(['-cid', strange, '-csec', strange, '--auth-method', 'client_secret_post'])
    const [seen] = stage.idp.seen
    expect(seen?.headers.authorization).toBeUndefined()
    expect(Object.fromEntries(seen?.form ?? [])).toEqual({
      grant_type: 'client_credentials',
      client_id: strange,
      client_secret: strange,
    })
  })

  it('takes the method from the environment, and refuses one it does not know', async () => {
    const env = { STS_CLI_AUTH_METHOD: 'client_secret_post' }
    await login(['-csec', 'x'], { env })
    expect(stage.idp.seen[0]?.form.get('client_secret')).toBe('x')
    const { code, stderr } = await login(['-csec', 'x', '--auth-method', 'magic'])
    expect(code).toBe(64)
    expect(stderr).toContain('hint: use client_secret_basic, client_secret_post')
  })
})

describe('what else the token request says', () => {
  it('is scope, audience and every parameter', async () => {
    await login([
      '-csec',
      'x',
      '--scope',
      'openid s3',
      '--audience',
      'https://minio/?a=b',
      '--param',
      'resource=urn:1',
      '--param',
      'resource=urn:2=3',
    ])
    expect([...(stage.idp.seen[0]?.form ?? [])]).toEqual([
      ['grant_type', 'client_credentials'],
      ['scope', 'openid s3'],
      ['audience', 'https://minio/?a=b'],
      ['resource', 'urn:1'],
      ['resource', 'urn:2=3'],
    ])
  })

  it('takes scope and audience from the environment', async () => {
    await login(['-csec', 'x'], { env: { STS_CLI_SCOPE: 's', STS_CLI_AUDIENCE: 'a' } })
    expect(stage.idp.seen[0]?.body).toBe('grant_type=client_credentials&scope=s&audience=a')
  })

  it.each(['novalue', '=x'])('refuses the parameter %s', async (text) => {
    const { code, stderr } = await login(['-csec', 'x', '--param', text])
    expect(code).toBe(64)
    expect(stderr).toContain('is not of the form K=V')
  })
})

describe('a token at hand', () => {
  it('is traded without a call to the provider', async () => {
    const { code } = await stage.cli(['login', '-sts-ep', stage.sts.url, '--token', idpToken])
    expect(code).toBe(0)
    expect(stage.idp.seen).toEqual([])
    expect(stage.sts.seen[0]?.form.get('Token')).toBe(idpToken)
  })

  it('of AWS’s variable does not override a client that was named', async () => {
    const env = { AWS_WEB_IDENTITY_TOKEN_FILE: '/nowhere' }
    expect((await login(['-csec', 'x'], { env })).code).toBe(0)
    expect(stage.idp.seen).toHaveLength(1)
  })

  it('of a flag wins over the other’s variable', async () => {
    const file = path.join(stage.home, 'jwt')
    await writeFile(file, idpToken)
    const env = { STS_CLI_TOKEN: 'from-env' }
    const argv = ['exchange', '-sts-ep', stage.sts.url, '--token-file', file]
    expect((await stage.cli(argv, { env })).code).toBe(0)
    expect(stage.sts.seen[0]?.form.get('Token')).toBe(idpToken)
  })
})
