import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { granted, openStage, secrets, type Stage } from '../support/commands/harness.ts'

let stage: Stage
let folder: string

beforeEach(async () => {
  stage = await openStage()
  folder = path.join(stage.home, '.aws')
  await stage.ask(['login', '-q'])
})

const read = (name: string): Promise<string> => readFile(path.join(folder, name), 'utf8')
async function leave(name: string, text: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  const file = path.join(folder, name)
  await writeFile(file, text, { mode: 0o644 })
  return file
}
/** Writes a configuration with profiles of these names. */
async function configure(...names: string[]): Promise<void> {
  const file = path.join(stage.home, '.config', 'sts-cli', 'config.toml')
  await mkdir(path.dirname(file), { recursive: true })
  await writeFile(file, names.map((name) => `[profile.${JSON.stringify(name)}]\n`).join(''))
}
const done = { code: 0, stdout: '', stderr: '' }

const section = (endpoint: string): string => `aws_access_key_id = ${granted.accessKeyId}
aws_secret_access_key = ${granted.secretAccessKey}
aws_session_token = ${granted.sessionToken}
x_security_token_expires = 2026-11-23T17:00:00Z
endpoint_url = ${endpoint}
region = us-east-1
`

describe('write', () => {
  it('write creates a credentials file readable only by its owner, and no other file', async () => {
    expect(await stage.cli(['write'])).toMatchObject(done)
    expect(await read('credentials')).toBe(`[default]\n${section(stage.sts.url)}`)
    expect((await stat(path.join(folder, 'credentials'))).mode & 0o777).toBe(0o600)
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    expect(await readdir(folder)).toEqual(['credentials'])
  })

  it('write merges into an existing file, with the same result when repeated', async () => {
    const file = await leave('credentials', '# mine\n[work]\naws_access_key_id = W\n\n[z]\nx=1\n')
    await stage.cli(['write', '--aws-profile', 'minio'])
    const once = await read('credentials')
    expect(once).toBe(
      `# mine\n[work]\naws_access_key_id = W\n\n[z]\nx=1\n\n[minio]\n${section(stage.sts.url)}`,
    )
    await stage.cli(['write', '--aws-profile', 'minio'])
    expect(await readFile(file, 'utf8')).toBe(once)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  it('write names the section after the profile and prints its path only on a terminal', async () => {
    await stage.ask(['login', '-q', '-p', 'ci'])
    const { stderr } = await stage.cli(['write', '-p', 'ci'], { isTty: true })
    expect(stderr).toBe(`wrote [ci] in ${folder}/credentials\n`)
    expect(await read('credentials')).toMatch(/^\[ci\]\n/)
  })

  it('write keeps an existing region, renews aws_security_token and adds no endpoint with --no-endpoint', async () => {
    const old = '[ci]\nregion = eu-west-1\naws_security_token = old\naws_access_key_id = old\n'
    await leave('credentials', old)
    await stage.cli(['write', '--aws-profile', 'ci', '--no-endpoint'])
    const text = await read('credentials')
    expect(text).toContain(`region = eu-west-1\naws_security_token = ${granted.sessionToken}\n`)
    expect(text).not.toContain('endpoint_url')
    await stage.cli(['write', '--aws-profile', 'ci', '--region', 'x'])
    expect(await read('credentials')).toContain('region = x\n')
  })

  it('write follows a symbolic link to its target, which may be missing', async () => {
    await mkdir(folder)
    await mkdir(path.join(stage.home, 'dots'))
    await symlink('../dots/aws', path.join(folder, 'credentials'))
    for (const turn of [1, 2]) {
      expect(await stage.cli(['write'])).toMatchObject(done)
      expect(await readFile(path.join(stage.home, 'dots', 'aws'), 'utf8'), `${turn}`).toMatch(
        /^\[default\]/,
      )
      expect(await readdir(folder)).toEqual(['credentials'])
    }
  })

  it.each(['AWS_SHARED_CREDENTIALS_FILE', 'AWS_CONFIG_FILE'])(
    'write uses the file of %s',
    async (name) => {
      const flags = name === 'AWS_CONFIG_FILE' ? ['--as-process'] : []
      const env = { [name]: '~/elsewhere/file' }
      expect(await stage.cli(['write', ...flags], { env })).toMatchObject(done)
      expect(await readFile(path.join(stage.home, 'elsewhere', 'file'), 'utf8')).toContain(
        '[default]',
      )
    },
  )

  it('write overwrites permanent keys only with --force', async () => {
    const keys = '[default]\naws_access_key_id = AKIAMINE\naws_secret_access_key = only copy\n'
    await leave('credentials', keys)
    const { code, stderr } = await stage.cli(['write'])
    expect(code).toBe(78)
    expect(stderr).toBe(
      'error: config: the profile default holds permanent keys\nhint: use --aws-profile with another name, or --force to overwrite them\n',
    )
    expect(await read('credentials')).toBe(keys)
    expect((await stage.cli(['write', '--force'])).code).toBe(0)
    expect(await read('credentials')).not.toContain('only copy')
  })

  it.each([
    ['with invalid syntax', 'not = ini\n', 65],
    ['with a duplicate section', '[default]\n[default]\n', 65],
  ])('write leaves a file %s unchanged and sends no request', async (_what, text, expected) => {
    await leave('credentials', text)
    await stage.cli(['logout'])
    const { code } = await stage.ask(['write'])
    expect([code, await read('credentials')]).toEqual([expected, text])
    expect(stage.idp.seen).toHaveLength(1)
  })

  it('write exits with a code for each cause when it cannot write', async () => {
    await writeFile(folder, 'a file where the folder should be')
    expect((await stage.cli(['write'])).code).toBe(66)
    const circle = path.join(stage.home, 'circle')
    await symlink(circle, circle)
    const env = { AWS_SHARED_CREDENTIALS_FILE: circle }
    expect((await stage.cli(['write'], { env })).code).toBe(66)
    // One byte too long for the name of its temporary file.
    const long = { AWS_SHARED_CREDENTIALS_FILE: path.join(stage.home, 'x'.repeat(250)) }
    expect((await stage.cli(['write'], { env: long })).code).toBe(73)
    expect((await stage.cli(['write'], { env: { HOME: undefined } })).code).toBe(78)
  })

  it.each(['a]b', 'a\nb', '', ' a', '"a"'])('write refuses the profile name %j', async (name) => {
    expect((await stage.cli(['write', '--aws-profile', name])).code).toBe(64)
  })

  it('twenty simultaneous writes leave one complete file', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `p${index}`)
    await Promise.all(names.map((name) => stage.cli(['write', '--aws-profile', name])))
    const headers = (await read('credentials')).match(/^\[.*\]$/gm) ?? []
    expect(headers.toSorted()).toEqual(names.map((name) => `[${name}]`).toSorted())
    expect(await readdir(folder)).toEqual(['credentials'])
  })
})

describe('write --as-process', () => {
  it('write --as-process adds a credential_process line and no keys to config', async () => {
    await leave('config', '[default]\noutput = json\n')
    await configure('ci')
    const argv = ['write', '--as-process', '--aws-profile', 'minio', '-p', 'ci']
    expect(
      await stage.cli(argv, { env: { STS_CLI_STS_ENDPOINT: 'https://m:9000' } }),
    ).toMatchObject(done)
    expect(await read('config')).toBe(`[default]
output = json

[profile minio]
credential_process = sts-cli credential-process --profile ci
endpoint_url = https://m:9000
region = us-east-1
`)
    expect(await readdir(folder)).toEqual(['config'])
  })

  it('write --as-process takes the endpoint from the login', async () => {
    await stage.cli(['write', '--as-process'])
    expect(await read('config')).toBe(`[default]
credential_process = sts-cli credential-process
endpoint_url = ${stage.sts.url}
region = us-east-1
`)
  })

  it('write --as-process refuses a profile whose keys would take precedence', async () => {
    await leave('credentials', '[default]\naws_access_key_id = A\n')
    const { code, stderr } = await stage.cli(['write', '--as-process'])
    expect(code).toBe(78)
    expect(stderr).toContain('would win\nhint: remove them there')
    expect(await readdir(folder)).toEqual(['credentials'])
  })

  it.each([
    [['-cid', 'x'], '--client-id would be lost'],
    [['--sts-endpoint', 'http://x'], '--sts-endpoint would be lost'],
    [['-p', 'two words'], 'cannot stand in a credential_process line'],
    [['-p', 'a;b'], 'cannot stand in a credential_process line'],
  ])('write --as-process refuses %j', async (flags, message) => {
    await configure('two words', 'a;b')
    const { code, stderr } = await stage.cli(['write', '--as-process', ...flags])
    expect(code).toBe(64)
    expect(stderr).toContain(message)
  })
})

describe('write --dry-run', () => {
  it('write --dry-run shows the changes without secrets and changes nothing', async () => {
    const text =
      '[default]\naws_access_key_id = old\naws_session_token = old token\nregion = us-east-1\n'
    const file = await leave('credentials', text)
    await chmod(file, 0o400)
    const { code, stdout, stderr } = await stage.cli(['write', '--dry-run'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toBe(`--- ${file}
+++ ${file}
 [default]
-aws_access_key_id = …
+aws_access_key_id = ${granted.accessKeyId}
+aws_secret_access_key = …
-aws_session_token = …
+aws_session_token = …
+x_security_token_expires = 2026-11-23T17:00:00Z
+endpoint_url = ${stage.sts.url}
`)
    for (const secret of [...secrets, 'old token']) expect(stdout).not.toContain(secret)
    expect([await read('credentials'), await readdir(folder)]).toEqual([text, ['credentials']])
  })

  it('write --dry-run reports when there is nothing to change', async () => {
    await stage.cli(['write'])
    expect((await stage.cli(['write', '--dry-run'])).stdout).toBe(
      `${folder}/credentials: nothing to change\n`,
    )
  })
})
