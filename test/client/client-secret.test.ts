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
  // The flags of the stage except the secret.
  login = (argv, options) =>
    stage.cli(['login', '-q', ...stage.flags.slice(0, -2), ...argv], options)
})

/** Returns the id and the secret that the provider received, form-decoded as in RFC 6749 §2.3.1. */
function readBasic(): string[] {
  const [scheme, text = ''] = stage.idp.seen[0]?.headers.authorization?.split(' ') ?? []
  expect(scheme).toBe('Basic')
  const halves = Buffer.from(text, 'base64').toString('utf8').split(':')
  return halves.map((half) => new URLSearchParams(`v=${half}`).get('v') ?? '')
}

describe('client secret', () => {
  it('the client secret is read from a file without the newline at its end', async () => {
    const file = path.join(stage.home, 'secret')
    await writeFile(file, `${clientSecret}\n`)
    expect((await login(['--client-secret-file', file])).code).toBe(0)
    expect(readBasic()).toEqual([clientId, clientSecret])
  })

  it('the client secret is read from the output of a command', async () => {
    const command = `printf '%s\\n' ${clientSecret}`
    expect((await login(['--client-secret-command', command])).code).toBe(0)
    expect(readBasic()[1]).toBe(clientSecret)
  })

  it('the client secret is read from stdin for a dash', async () => {
    await login(['-csec', '-'], { stdin: `${clientSecret}\n` })
    expect(readBasic()[1]).toBe(clientSecret)
  })

  it('login prompts for the client secret on a terminal when no source gives it', async () => {
    const { code, io, stdout } = await login([], { typed: clientSecret })
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(io.prompts).toEqual(['client secret: '])
    expect(readBasic()[1]).toBe(clientSecret)
  })

  it.each([
    ['there is no terminal', [], {}],
    ['--no-input forbids a prompt', ['--no-input'], { typed: clientSecret }],
    ['the flag is empty', ['-csec', ''], {}],
  ])('login fails without a client secret when %s', async (_when, argv, options) => {
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
  ])('login refuses an empty client secret from %s', async (_where, argv, options) => {
    const { code, stderr } = await login(argv, options)
    expect(code).toBe(65)
    expect(stderr).toBe('error: config: the client secret is empty\n')
  })

  it('an error about a failed secret command shows nothing of its output', async () => {
    const { code, stderr } = await login([
      '--debug',
      '--client-secret-command',
      `echo ${clientSecret}; exit 3`,
    ])
    expect(code).toBe(66)
    expect(stderr).toContain(
      'the client secret command failed (exit code 3)\nhint: check --client-secret-command\n',
    )
    expect(stderr).not.toContain(clientSecret)
  })

  it('login exits 66 when the client secret file is a folder', async () => {
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
  ])('login refuses two client secret flags: %j', async (argv, names) => {
    const { code, stderr } = await login(argv)
    expect(code).toBe(64)
    expect(stderr).toBe(`error: ${names} cannot be used together\n`)
    expect(stage.idp.seen).toEqual([])
  })

  it('a client secret flag overrides the variable of another', async () => {
    const file = path.join(stage.home, 'secret')
    await writeFile(file, 'from-file')
    const env = { STS_CLI_CLIENT_SECRET: 'from-env' }
    expect((await login(['--client-secret-file', file], { env })).code).toBe(0)
    expect(readBasic()[1]).toBe('from-file')
  })

  it('login refuses two client secret variables', async () => {
    const env = { STS_CLI_CLIENT_SECRET: 'x', STS_CLI_CLIENT_SECRET_FILE: 'y' }
    expect((await login([], { env })).code).toBe(64)
  })
})

describe('client authentication', () => {
  const strange = 'a b:c%d+e&f=g/hü~*€'

  it('client_secret_basic form-encodes the id and the secret before Base64', async () => {
    await login(['-cid', strange, '-csec', strange])
    expect(readBasic()).toEqual([strange, strange])
    const [seen] = stage.idp.seen
    const raw = Buffer.from(seen?.headers.authorization?.slice(6) ?? '', 'base64').toString()
    expect(raw.split(':')[0]).toBe('a+b%3Ac%25d%2Be%26f%3Dg%2Fh%C3%BC%7E*%E2%82%AC')
    expect(seen?.body).toBe('grant_type=client_credentials')
  })

  it('client_secret_post puts the secret into the form and sends no header', async () => {
    await login(['-cid', strange, '-csec', strange, '--auth-method', 'client_secret_post'])
    const [seen] = stage.idp.seen
    expect(seen?.headers.authorization).toBeUndefined()
    expect(Object.fromEntries(seen?.form ?? [])).toEqual({
      grant_type: 'client_credentials',
      client_id: strange,
      client_secret: strange,
    })
  })

  it('login takes the auth method from the environment and refuses an unknown one', async () => {
    const env = { STS_CLI_AUTH_METHOD: 'client_secret_post' }
    await login(['-csec', 'x'], { env })
    expect(stage.idp.seen[0]?.form.get('client_secret')).toBe('x')
    const { code, stderr } = await login(['-csec', 'x', '--auth-method', 'magic'])
    expect(code).toBe(64)
    expect(stderr).toContain('hint: use client_secret_basic, client_secret_post')
  })
})

describe('parameters of the token request', () => {
  it('a token request has the scope, the audience and every --param', async () => {
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

  it('login takes scope and audience from the environment', async () => {
    await login(['-csec', 'x'], { env: { STS_CLI_SCOPE: 's', STS_CLI_AUDIENCE: 'a' } })
    expect(stage.idp.seen[0]?.body).toBe('grant_type=client_credentials&scope=s&audience=a')
  })

  it.each(['novalue', '=x'])('login refuses the parameter %s', async (text) => {
    const { code, stderr } = await login(['-csec', 'x', '--param', text])
    expect(code).toBe(64)
    expect(stderr).toContain('is not of the form K=V')
  })
})

describe('given token', () => {
  it('login exchanges a given token without a request to the provider', async () => {
    const { code } = await stage.cli(['login', '-sts-ep', stage.sts.url, '--token', idpToken])
    expect(code).toBe(0)
    expect(stage.idp.seen).toEqual([])
    expect(stage.sts.seen[0]?.form.get('Token')).toBe(idpToken)
  })

  it('AWS_WEB_IDENTITY_TOKEN_FILE does not override a given client', async () => {
    const env = { AWS_WEB_IDENTITY_TOKEN_FILE: '/nowhere' }
    expect((await login(['-csec', 'x'], { env })).code).toBe(0)
    expect(stage.idp.seen).toHaveLength(1)
  })

  it('a token flag overrides the variable of another token source', async () => {
    const file = path.join(stage.home, 'jwt')
    await writeFile(file, idpToken)
    const env = { STS_CLI_TOKEN: 'from-env' }
    const argv = ['exchange', '-sts-ep', stage.sts.url, '--token-file', file]
    expect((await stage.cli(argv, { env })).code).toBe(0)
    expect(stage.sts.seen[0]?.form.get('Token')).toBe(idpToken)
  })
})
