import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { openStage, type Stage } from '../support/commands/harness.ts'

let stage: Stage
let folder: string

beforeEach(async () => {
  stage = await openStage()
  folder = path.join(stage.home, '.aws')
})

const read = (name = 'config'): Promise<string> => readFile(path.join(folder, name), 'utf8')
const write = (...argv: string[]) => stage.cli(['write', ...argv])
async function leave(name: string, text: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(path.join(folder, name), text)
}
const servicesOf = (...names: string[]): string =>
  names.map((name) => `${name} =\n  endpoint_url = ${new URL(stage.sts.url).origin}\n`).join('')
const toServer = (): string[] => ['-sts-ep', stage.sts.url]

describe('write --login-profile', () => {
  it('writes the profile and its services for aws login, and is the same when repeated', async () => {
    for (let times = 0; times < 2; times += 1) {
      const ran = await write('--login-profile', 'minio', ...toServer())
      expect(ran).toMatchObject({ code: 0, stdout: '' })
      expect(await read()).toBe(
        `[profile minio]\nregion = us-east-1\nservices = sts-cli-minio\n\n[services sts-cli-minio]\n${servicesOf('signin', 'sts', 's3')}`,
      )
    }
  })

  it('keeps what else is there, the login of the AWS CLI and the region too, and mends the services', async () => {
    const mine = '[profile a]\nregion = x\n'
    await leave(
      'config',
      `${mine}\n[services sts-cli-minio]\nsignin =\n  endpoint_url = http://old\n\n[profile minio]\nregion = eu-west-1\nlogin_session = arn:aws:sts::000000000000:assumed-role/sts-cli/ann\n`,
    )
    await write('--login-profile', 'minio', ...toServer())
    expect(await read()).toBe(
      `${mine}\n[services sts-cli-minio]\n${servicesOf('signin', 'sts', 's3')}\n[profile minio]\nregion = eu-west-1\nlogin_session = arn:aws:sts::000000000000:assumed-role/sts-cli/ann\nservices = sts-cli-minio\n`,
    )
  })

  it('shows the lines with --dry-run, and writes nothing', async () => {
    const { stdout } = await write('--login-profile', 'minio', '--dry-run', ...toServer())
    expect(stdout).toContain('+services = sts-cli-minio\n')
    expect(stdout).toContain('+signin =\n')
    await expect(read()).rejects.toThrow('ENOENT')
  })

  it('says what to run next, on a terminal', async () => {
    const ran = await stage.cli(['write', '--login-profile', 'minio', ...toServer()], {
      isTty: true,
    })
    expect(ran.stderr).toBe(
      `wrote [profile minio] in ${folder}/config; now run: aws login --profile minio\n`,
    )
  })

  it.each([
    ['config', '[profile minio]\nrole_arn = arn\n', 'role_arn'],
    ['config', '[profile minio]\ncredential_process = x\n', 'credential_process'],
    ['config', '[profile minio]\nsso_session = x\n', 'sso_session'],
    ['credentials', '[minio]\naws_access_key_id = A\n', 'keys'],
  ])('refuses a profile with another source of credentials in %s', async (name, text, word) => {
    await leave(name, text)
    const ran = await write('--login-profile', 'minio', ...toServer())
    expect(ran.code).toBe(78)
    expect(ran.stderr).toContain(word)
    expect(await read(name)).toBe(text)
  })

  it.each([['a b'], ['a]'], ['"'], ['']])('refuses the name «%s»', async (name) => {
    expect((await write(`--login-profile=${name}`, ...toServer())).code).toBe(64)
  })

  it('refuses a server below a path, which the AWS CLI would drop', async () => {
    const ran = await write('--login-profile', 'minio', '-sts-ep', 'http://127.0.0.1:9000/base')
    expect(ran.code).toBe(65)
    expect(ran.stderr).toContain('/base')
  })

  it('refuses two kinds of profile at once', async () => {
    const ran = await write('--login-profile', 'a', '--sso-session', 'b', ...toServer())
    expect(ran.code).toBe(64)
  })
})

describe('write --sso-session', () => {
  it('writes the session, the profile and its services for aws sso login', async () => {
    await write('--sso-session', 'minio', ...toServer())
    expect(await read()).toBe(
      `[sso-session minio]
sso_start_url = https://d-0000000000.awsapps.com/start
sso_region = us-east-1
sso_registration_scopes = sso:account:access

[profile minio]
sso_session = minio
sso_account_id = 000000000000
sso_role_name = by-claim
region = us-east-1
services = sts-cli-minio

[services sts-cli-minio]
${servicesOf('sso', 'sso_oidc', 'sts', 's3')}`,
    )
  })

  it('names the profile and the role that are given', async () => {
    const role = ['--role-arn', 'arn:aws:iam::000000000000:role/team/deploy']
    await write('--sso-session', 'minio', '--aws-profile', 'work', ...role, ...toServer())
    const text = await read()
    expect(text).toContain('[profile work]\nsso_session = minio\n')
    expect(text).toContain('sso_role_name = team/deploy\n')
    const chain = await write('--sso-session', 'minio', ...role, ...role, ...toServer())
    expect(chain.code).toBe(64)
    const wrong = await write('--sso-session', 'minio', '--role-arn', 'deploy', ...toServer())
    expect(wrong.code).toBe(64)
    expect(wrong.stderr).toContain('"deploy" is no ARN of a role')
    expect(await read()).toBe(text)
  })
})
