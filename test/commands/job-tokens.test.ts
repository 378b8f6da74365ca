import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  idpToken,
  json,
  minioJson,
  openStage,
  startFake,
  type Fake,
  type Ran,
  type Stage,
} from '../support/commands/harness.ts'

let stage: Stage

beforeEach(async () => {
  stage = await openStage()
})

type Env = Readonly<Record<string, string>>
const login = (flags: readonly string[], env: Env = {}): Promise<Ran> =>
  stage.cli(['login', '-sts-ep', stage.sts.url, ...flags], { env })
const sentToken = (): string | null | undefined => stage.sts.seen[0]?.form.get('Token')

describe('GitHub Actions job', () => {
  let runner: Fake
  let env: Env

  beforeEach(async () => {
    runner = await startFake(json({ value: idpToken }))
    env = {
      ACTIONS_ID_TOKEN_REQUEST_URL: `${runner.url}/token?api-version=2.0`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'runner-secret',
    }
  })

  it('login in a GitHub Actions job asks the runner for a token with the given audience', async () => {
    const flags = ['--grant', 'github-actions', '--audience', 'https://minio.example']
    const ran = await login(flags, env)
    expect(ran).toMatchObject({ code: 0, stdout: `##### Credentials\n${minioJson}`, stderr: '' })
    expect(runner.seen[0]?.url).toBe('/token?api-version=2.0&audience=https%3A%2F%2Fminio.example')
    expect(runner.seen[0]?.headers.authorization).toBe('bearer runner-secret')
    expect(sentToken()).toBe(idpToken)
  })

  it('token in a GitHub Actions job prints the job’s token', async () => {
    const ran = await stage.cli(['token', '--grant', 'github-actions'], { env })
    expect(ran).toMatchObject({ code: 0, stdout: `${idpToken}\n` })
  })

  it('creds in a GitHub Actions job gets credentials without a login and caches them', async () => {
    const asked = { ...env, STS_CLI_GRANT: 'github-actions', STS_CLI_STS_ENDPOINT: stage.sts.url }
    expect((await stage.cli(['creds'], { env: asked })).stdout).toBe(minioJson)
    expect((await stage.cli(['creds'], { env: asked })).stdout).toBe(minioJson)
    expect(runner.seen).toHaveLength(1)
  })

  it.each(['ACTIONS_ID_TOKEN_REQUEST_URL', 'ACTIONS_ID_TOKEN_REQUEST_TOKEN'])(
    'login suggests the id-token permission when %s is missing',
    async (name) => {
      const ran = await login(['--grant', 'github-actions'], { ...env, [name]: '' })
      expect(ran.code).toBe(78)
      expect(ran.stderr).toContain('hint: give the job «permissions: { id-token: write }»')
    },
  )

  it('login does not send the runner’s secret over http to another host', async () => {
    const bad = { ...env, ACTIONS_ID_TOKEN_REQUEST_URL: 'http://runner.example/token' }
    expect((await login(['--grant', 'github-actions'], bad)).code).toBe(78)
  })

  it.each<[string, Fake['answer'], number]>([
    ['refuses', { status: 403, body: 'no' }, 77],
    ['answers with a web page', { body: '<html>' }, 76],
    ['answers without a token', json({ count: 1 }), 76],
    ['redirects elsewhere', { status: 302, headers: { location: 'http://evil.example/' } }, 76],
    ['is down', { status: 500 }, 69],
    ['does not answer', 'hang', 75],
  ])('login fails and prints no secret when the runner %s', async (_what, answer, code) => {
    runner.answer = answer
    const timeout = answer === 'hang' ? ['--timeout', '1s'] : []
    const flags = ['--grant', 'github-actions', '--retries', '0', '--debug', ...timeout]
    const ran = await login(flags, env)
    expect(ran.code).toBe(code)
    expect(ran.stderr).not.toContain('runner-secret')
    expect(stage.sts.seen).toEqual([])
  })
})

describe('GitLab job', () => {
  it.each([
    ['GITLAB_OIDC_TOKEN', [], 'GITLAB_OIDC_TOKEN'],
    ['the variable of --token-env', ['--token-env', 'MINIO_ID_TOKEN'], 'MINIO_ID_TOKEN'],
  ])('login in a GitLab job takes the token from %s', async (_what, flags, name) => {
    const ran = await login(['--grant', 'gitlab', ...flags], { [name]: `${idpToken}\n` })
    expect(ran.code).toBe(0)
    expect(sentToken()).toBe(idpToken)
  })

  it('login in a GitLab job without a token suggests id_tokens', async () => {
    const ran = await login(['--grant', 'gitlab'])
    expect(ran.code).toBe(78)
    expect(ran.stderr).toContain(
      'the variable GITLAB_OIDC_TOKEN holds no token\nhint: give the job «id_tokens',
    )
  })
})

describe('Kubernetes pod', () => {
  it.each(['flag', 'variable'])('login in a pod reads the token file of a %s', async (how) => {
    const file = path.join(stage.home, 'token')
    await writeFile(file, idpToken)
    const ran =
      how === 'flag'
        ? await login(['--grant', 'kubernetes', '--token-file', file])
        : await login(['--grant', 'kubernetes'], { AWS_WEB_IDENTITY_TOKEN_FILE: file })
    expect(ran.code).toBe(0)
    expect(sentToken()).toBe(idpToken)
  })

  it('login in a Kubernetes pod without a token suggests a projected token', async () => {
    const ran = await login(['--grant', 'kubernetes'])
    expect(ran.code).toBe(66)
    expect(ran.stderr).toContain(
      '/var/run/secrets/kubernetes.io/serviceaccount/token cannot be read',
    )
    expect(ran.stderr).toContain('hint: project a serviceAccountToken')
  })
})

describe('token command', () => {
  it('--token-command runs only when a token is needed', async () => {
    const count = path.join(stage.home, 'count')
    const flags = [
      '--token-command',
      `echo x >> '${count}'; echo ${idpToken}`,
      '-sts-ep',
      stage.sts.url,
    ]
    expect((await stage.cli(['login', ...flags])).code).toBe(0)
    expect((await stage.cli(['creds', ...flags])).stdout).toBe(minioJson)
    expect(sentToken()).toBe(idpToken)
    const { readFile } = await import('node:fs/promises')
    expect(await readFile(count, 'utf8')).toBe('x\n')
  })

  it.each([
    [
      'fails',
      'echo hunter2; exit 3',
      66,
      'the token command failed (exit code 3)\nhint: check --token-command\n',
    ],
    ['prints nothing', 'true', 65, 'it is empty or holds spaces'],
    ['prints more than a token', 'echo hunter2 and so on', 65, 'it is empty or holds spaces'],
  ])('login fails when its --token-command %s', async (_what, command, code, message) => {
    const ran = await login(['--token-command', command])
    expect(ran.code).toBe(code)
    expect(ran.stderr).toContain(message)
    expect(ran.stderr).not.toContain('hunter2')
  })

  it('exchange accepts --token-command', async () => {
    const flags = ['-sts-ep', stage.sts.url, '--token-command', `echo ${idpToken}`]
    expect((await stage.cli(['exchange', ...flags])).stdout).toBe(minioJson)
  })
})

describe('given tokens', () => {
  it('login refuses two sources of a token', async () => {
    const ran = await login(['--token-env', 'A', '--token-command', 'true'])
    expect(ran.code).toBe(64)
  })

  it('a token by a flag overrides a grant of the environment', async () => {
    const ran = await login(['--token', idpToken], { STS_CLI_GRANT: 'browser' })
    expect(ran.code).toBe(0)
    expect(sentToken()).toBe(idpToken)
  })

  it('login fails when the variable of --token-env is not set', async () => {
    const ran = await login(['--token-env', 'NO_SUCH'])
    expect(ran.code).toBe(78)
    expect(ran.stderr).toContain('the variable NO_SUCH holds no token')
  })

  it.each(['github-actions', 'browser', 'password', 'client-credentials'])(
    'login refuses --token together with --grant %s',
    async (grant) => {
      const ran = await login(['--grant', grant, '--token', idpToken])
      expect(ran.code).toBe(64)
      expect(ran.stderr).toContain(`--token and --grant ${grant} cannot be used together`)
    },
  )

  it('login --grant token requires a token', async () => {
    const ran = await login(['--grant', 'token'])
    expect(ran.code).toBe(64)
    expect(ran.stderr).toContain('hint: use --token, --token-file, --token-env or --token-command')
  })
})
