import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { granted, openStage, type Stage } from '../support/commands/harness.ts'

let stage: Stage
const pathOnly = { PATH: process.env['PATH'] }

beforeEach(async () => {
  stage = await openStage()
  await stage.ask(['login', '-q'])
})

/** Returns the environment of a child of `exec`, one variable a line. */
async function readChildEnv(flags: string[], env: Record<string, string> = {}): Promise<string[]> {
  const file = path.join(stage.home, 'child-env')
  const argv = ['exec', ...flags, '--', 'sh', '-c', 'env > "$0"', file]
  const { code, stderr } = await stage.cli(argv, { env: { ...pathOnly, ...env } })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return (await readFile(file, 'utf8')).trimEnd().split('\n')
}

describe('exec', () => {
  it('exec sets the variables of env for the command and removes those that override them', async () => {
    const child = await readChildEnv([], { AWS_PROFILE: 'other', KEPT: 'yes' })

    expect(child).toContain(`AWS_ACCESS_KEY_ID=${granted.accessKeyId}`)
    expect(child).toContain(`AWS_SECRET_ACCESS_KEY=${granted.secretAccessKey}`)
    expect(child).toContain(`AWS_SESSION_TOKEN=${granted.sessionToken}`)
    expect(child).toContain(`AWS_ENDPOINT_URL_S3=${stage.sts.url}`)
    expect(child).toContain('AWS_REGION=us-east-1')
    expect(child).toContain('KEPT=yes')
    expect(child.join('\n')).not.toContain('AWS_PROFILE')
  })

  it('exec omits the endpoint with --no-endpoint and sets the region of --region', async () => {
    const child = await readChildEnv(['--no-endpoint', '--region', 'eu-west-1'])
    expect(child).toContain('AWS_REGION=eu-west-1')
    expect(child.join('\n')).not.toContain('AWS_ENDPOINT_URL')
  })

  it.each([
    ['exit 0', 0],
    ['exit 7', 7],
    ['kill -TERM $$', 143],
  ])('exec returns the exit code of %s', async (script, code) => {
    const ran = await stage.cli(['exec', '--', 'sh', '-c', script], { env: pathOnly })
    expect([ran.code, ran.stdout, ran.stderr]).toEqual([code, '', ''])
  })

  it('exec exits 127 like a shell when the command is not found', async () => {
    const ran = await stage.cli(['exec', '--', 'no-such-program'], { env: pathOnly })
    expect([ran.code, ran.stderr]).toEqual([127, 'error: there is no program no-such-program\n'])
  })

  it.each([[['exec']], [['exec', '--']], [['exec', 'aws', 's3', 'ls']]])(
    'exec requires its command after --: %j',
    async (argv) => {
      const { code, stderr } = await stage.cli(argv)
      expect(code).toBe(64)
      expect(stderr).toContain('sts-cli exec -- aws s3 ls')
    },
  )

  it('exec runs no command without credentials', async () => {
    await stage.cli(['logout'])
    const file = path.join(stage.home, 'ran')
    const { code } = await stage.cli(['exec', '--', 'touch', file], { env: pathOnly })
    expect(code).toBe(77)
    await expect(readFile(file)).rejects.toThrow('ENOENT')
  })
})

describe('exec --server', () => {
  const keys = '[default]\naws_access_key_id = PERMANENT\naws_secret_access_key = hush\n'
  const note = (file: string): string =>
    `note: [default] in ${file} has credentials, so --server hides that file\n`

  /** Returns the AWS file variables that a child of `exec --server` sees, and what the user is told. */
  async function exec(files: Record<string, string>, flags: string[] = []) {
    const folder = path.join(stage.home, '.aws')
    await mkdir(folder)
    for (const [name, text] of Object.entries(files)) await writeFile(path.join(folder, name), text)
    const file = path.join(stage.home, 'child-env')
    const script = 'env | grep -E "^AWS_(SHARED_CREDENTIALS|CONFIG|CREDENTIAL)_FILE" > "$0"; exit 0'
    const argv = ['exec', '--server', ...flags, '--', 'sh', '-c', script, file]
    const env = { ...pathOnly, AWS_CREDENTIAL_FILE: '/old' }
    const { code, stderr } = await stage.cli(argv, { env })
    return { code, stderr, child: await readFile(file, 'utf8') }
  }

  it('exec --server hides a credentials file whose default profile takes precedence, and says so', async () => {
    const config = '[default]\nregion = eu-west-3\n[profile ops]\nrole_arn = arn:x\n'
    expect(await exec({ credentials: keys, config })).toEqual({
      code: 0,
      child: 'AWS_SHARED_CREDENTIALS_FILE=/dev/null\n',
      stderr: note(path.join(stage.home, '.aws', 'credentials')),
    })
  })

  it.each([
    'aws_access_key_id = PERMANENT',
    'credential_process = other-tool',
    'role_arn = arn:x',
    'sso_session = work',
    'web_identity_token_file = /t',
  ])('exec --server hides a configuration whose default profile has %s', async (line) => {
    const config = `[profile x]\nregion = eu-west-3\n[default]\n${line}\n`
    expect(await exec({ config }, ['-q'])).toEqual({
      code: 0,
      child: 'AWS_CONFIG_FILE=/dev/null\n',
      stderr: '',
    })
  })

  it('exec --server leaves files that do not take precedence', async () => {
    const others = keys.replace('default', 'ops')
    const ran = await exec({ credentials: others, config: '[default]\nregion = eu-west-3\n' })
    expect(ran).toEqual({ code: 0, child: '', stderr: '' })
  })

  it('exec --server runs no command when it cannot parse the credentials file', async () => {
    await expect(exec({ credentials: `${keys}${keys}` })).rejects.toThrow('ENOENT')
  })
})

describe('credential-process', () => {
  it('credential-process prints the AWS SDK document and nothing on stderr', async () => {
    const { code, stdout, stderr } = await stage.cli(['credential-process'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse(stdout)).toEqual({
      Version: 1,
      AccessKeyId: granted.accessKeyId,
      SecretAccessKey: granted.secretAccessKey,
      SessionToken: granted.sessionToken,
      Expiration: '2026-11-23T17:00:00Z',
    })
    expect(stage.idp.seen).toHaveLength(1)
  })

  it('credential-process exits 78 for an unknown profile', async () => {
    const { code, stdout } = await stage.cli(['credential-process', '--profile', 'other'])
    expect({ code, stdout }).toEqual({ code: 78, stdout: '' })
  })

  it('credential-process renews without a prompt when the client is configured', async () => {
    const env = { STS_CLI_CLIENT_ID: 'me', STS_CLI_CLIENT_SECRET: 'secret' }
    const endpoints = { STS_CLI_IDP_ENDPOINT: stage.idp.url, STS_CLI_STS_ENDPOINT: stage.sts.url }
    const late = Date.parse('2026-11-23T16:59:30Z')
    const ran = await stage.cli(['credential-process'], {
      env: { ...env, ...endpoints },
      now: late,
    })
    expect(ran.code).toBe(0)
    expect(stage.idp.seen).toHaveLength(2)
  })
})
