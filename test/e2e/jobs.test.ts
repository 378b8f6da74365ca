/** The GitHub action, the GitLab component and the pages about jobs, run as their runners run them, against `sts-cli serve`. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { beforeEach, describe, expect, it } from 'vitest'
import { emptySha256 } from '../../src/protocol/sigv4/canonical-request.ts'
import { signRequest } from '../../src/protocol/sigv4/sign.ts'
import { json, startFake, type Fake, type Reply, type Seen } from '../support/commands/harness.ts'
import { binPath, openHome, type Home, type Ran } from '../support/e2e/harness.ts'
import { findBlock, readPage } from '../support/readme-blocks.ts'
import { keySet, makeToken, signers } from '../support/tokens.ts'

const root = path.join(import.meta.dirname, '..', '..')
const cli = `'${process.execPath}' '${binPath}'`
const claims = { repository: 'my-org/my-repo', ref: 'refs/heads/main', sub: 'job' }
const requestToken = 'runner-request-token'

/** The identity provider of the jobs, and GitHub's endpoint for their tokens. It refuses what GitHub's would. */
async function startIssuer(): Promise<Fake> {
  const idp: Fake = await startFake((seen): Reply => {
    if (seen.url === '/jwks') return json(keySet)
    if (seen.url.startsWith('/.well-known'))
      return json({ issuer: idp.url, jwks_uri: `${idp.url}/jwks` })
    return answerRunner(seen, idp.url)
  })
  return idp
}

function answerRunner({ method, url, headers, body }: Seen, issuer: string): Reply {
  const { pathname, searchParams } = new URL(url, issuer)
  const isRequest = method === 'GET' && body === '' && pathname === '/123//idtoken/456/job'
  if (!isRequest || searchParams.get('api-version') !== '2.0') return { status: 404 }
  if (headers.authorization?.toLowerCase() !== `bearer ${requestToken}`) return { status: 401 }
  const value = issueToken(issuer, searchParams.get('audience') ?? 'https://github.com/my-org')
  return json({ count: value.length, value })
}

function issueToken(issuer: string, audience: string, more: object = claims): string {
  const nowSeconds = Math.floor(Date.now() / 1000)
  const times = { iat: nowSeconds, exp: nowSeconds + 300 }
  return makeToken(signers.RS256, { iss: issuer, aud: audience, ...times, ...more })
}

let home: Home
let idp: Fake
let sts: string
const roleArn = 'arn:minio:iam:us-east-1::role/deploy'

beforeEach(async () => {
  home = await openHome()
  idp = await startIssuer()
  const role = {
    name: 'deploy',
    policies: ['readwrite'],
    maxDurationSeconds: 3600,
    trust: {
      issuer: idp.url,
      audience: 'sts-cli',
      conditions: { StringEquals: { repository: claims.repository, ref: claims.ref } },
    },
  }
  const file = path.join(home.folder, 'role.json')
  await writeFile(file, JSON.stringify(role))
  sts = (await home.serve(['--no-idp', '--role', file])).ready.sts
})

/** Returns the status of a signed request: 200 while the session lives. */
async function askS3(variables: Readonly<Record<string, string>>): Promise<number> {
  const url = new URL(sts)
  const keys = {
    accessKeyId: variables['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: variables['AWS_SECRET_ACCESS_KEY'] ?? '',
    sessionToken: variables['AWS_SESSION_TOKEN'] ?? '',
  }
  const { host: _, ...headers } = signRequest(
    { method: 'GET', url, headers: {}, payloadHash: emptySha256 },
    keys,
    { region: 'us-east-1', service: 's3', nowMs: Date.now() },
  )
  return (await fetch(url, { headers })).status
}

async function runProgram(
  file: string,
  argv: readonly string[],
  env: Record<string, string>,
): Promise<Ran> {
  const child = spawn(file, argv, { env, cwd: home.folder })
  child.stdin.end()
  const output = Promise.all([text(child.stdout), text(child.stderr)])
  const [code] = (await once(child, 'exit')) as [number | null]
  const [stdout, stderr] = await output
  return { code, stdout, stderr }
}

describe('the GitHub action', () => {
  let runner: Record<string, string>
  const at = (name: string): string => path.join(home.folder, name)

  /** What GitHub's runner gives a step: files, folders, where tokens are, and the inputs with the defaults of action.yml. */
  beforeEach(async () => {
    await mkdir(at('temp'))
    for (const name of ['env', 'output', 'state']) await writeFile(at(name), '')
    runner = {
      ...home.env,
      GITHUB_ACTIONS: 'true',
      GITHUB_ENV: at('env'),
      GITHUB_OUTPUT: at('output'),
      GITHUB_STATE: at('state'),
      RUNNER_TEMP: at('temp'),
      ACTIONS_ID_TOKEN_REQUEST_URL: `${idp.url}/123//idtoken/456/job?api-version=2.0`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: requestToken,
    }
  })

  /** Runs one step of action.yml as the runner does. */
  async function runStep(
    step: 'main' | 'post',
    inputs: Record<string, string>,
    env = runner,
  ): Promise<Ran> {
    const action = await readFile(path.join(root, 'action', 'action.yml'), 'utf8')
    const script = new RegExp(`^  ${step}: (\\S+)$`, 'm').exec(action)?.[1] ?? ''
    const defaults = [...action.matchAll(/^  ([\w-]+):\n(?: {4}.*\n)*? {4}default: (.*)\n/gm)]
    const all = {
      ...Object.fromEntries(defaults.map(([, name, value]) => [name, value])),
      command: cli,
      ...inputs,
    }
    const variables = Object.entries(all).map(([name, value]) => [
      `INPUT_${name.toUpperCase()}`,
      value,
    ])
    return runProgram(process.execPath, [path.join(root, 'action', script)], {
      ...env,
      ...Object.fromEntries(variables),
    } as Record<string, string>)
  }

  async function runPost(inputs: Record<string, string>): Promise<Ran> {
    const state = await readFile(at('state'), 'utf8')
    const saved = state
      .split('\n')
      .filter(Boolean)
      .map((line) => {
        const [name = '', value = ''] = line.split(/=(.*)/s)
        return [`STATE_${name}`, value]
      })
    return runStep('post', inputs, { ...runner, ...Object.fromEntries(saved) } as Record<
      string,
      string
    >)
  }

  /** Reads a file of commands as the runner does: NAME<<DELIMITER, the value, DELIMITER. */
  async function readPairs(name: string): Promise<Record<string, string>> {
    const found = (await readFile(at(name), 'utf8')).matchAll(/^([\w-]+)<<(\S+)\n([^]*?)\n\2$/gm)
    return Object.fromEntries([...found].map(([, key = '', , value = '']) => [key, value]))
  }

  const inputs = (): Record<string, string> => ({ 'sts-endpoint': sts, 'role-arn': roleArn })

  it('logs in by the job’s token, masks, exports, and logs out in the post step', async () => {
    const expected = { 'expect-account': '000000000000' }
    const main = await runStep('main', { ...inputs(), ...expected })
    expect(main).toMatchObject({ code: 0, stderr: '' })
    const variables = await readPairs('env')
    expect(await askS3(variables)).toBe(200)
    expect(variables).toMatchObject({ AWS_ENDPOINT_URL_S3: sts })
    expect(await readPairs('output')).toEqual({
      'aws-access-key-id': variables['AWS_ACCESS_KEY_ID'],
      'aws-secret-access-key': variables['AWS_SECRET_ACCESS_KEY'],
      'aws-session-token': variables['AWS_SESSION_TOKEN'],
      'aws-expiration': variables['AWS_CREDENTIAL_EXPIRATION'],
    })
    const lines = main.stdout.trimEnd().split('\n')
    expect(lines.every((line) => line.startsWith('::add-mask::'))).toBe(true)
    const masked = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN']
    expect(lines).toEqual(
      expect.arrayContaining(masked.map((name) => `::add-mask::${variables[name] ?? ''}`)),
    )
    expect(await runPost(inputs())).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect(await askS3(variables)).toBe(403)
    expect(await readdir(at('temp'))).toEqual([])
  })

  it('asks the runner once, with the audience and the job’s bearer token', async () => {
    await runStep('main', { ...inputs(), audience: 'sts-cli' })
    const asked = idp.seen.filter(({ url }) => url.startsWith('/123'))
    expect(asked.map(({ url, headers }) => [url, headers.authorization])).toEqual([
      ['/123//idtoken/456/job?api-version=2.0&audience=sts-cli', `bearer ${requestToken}`],
    ])
  })

  it('writes no secret into a file that others can read', async () => {
    await runStep('main', inputs())
    const [folder = ''] = await readdir(at('temp'))
    const { stdout } = await runProgram(
      'find',
      [path.join(at('temp'), folder), '-perm', '/077', '-type', 'f'],
      runner,
    )
    expect(stdout).toBe('')
  })

  it('an input is data: a shell interprets none of it', async () => {
    const injected = {
      'role-session-name': `$(touch ${at('injected')})"; touch ${at('injected')} #`,
    }
    await runStep('main', { ...inputs(), ...injected })
    expect(existsSync(at('injected'))).toBe(false)
  })

  it('several roles, one a line, are a chain', async () => {
    const ran = await runStep('main', {
      ...inputs(),
      'role-arn': ` ${roleArn}\n  ${roleArn}\n`,
      duration: '2h',
    })
    expect(ran.code).toBe(64)
    expect(ran.stderr).toContain('AWS caps role chaining at one hour')
  })

  it('an STS_CLI_ variable of the job does not change whose credentials come out', async () => {
    const env = { ...runner, STS_CLI_STS_ENDPOINT: 'http://127.0.0.1:1', STS_CLI_AUDIENCE: 'other' }
    expect((await runStep('main', inputs(), env)).code).toBe(0)
  })

  it.each<[string, Record<string, string>]>([
    ['another account is expected', { 'expect-account': '999999999999' }],
    ['the STS does not trust the audience', { audience: 'other' }],
    ['the role is not known', { 'role-arn': 'arn:minio:iam:us-east-1::role/none' }],
  ])('fails the step and exports nothing when %s', async (_what, more) => {
    const main = await runStep('main', { ...inputs(), ...more })
    expect(main).toMatchObject({ code: 77, stdout: '' })
    expect([await readPairs('env'), await readPairs('output')]).toEqual([{}, {}])
    expect((await runPost(inputs())).code).toBe(0)
    expect(await readdir(at('temp'))).toEqual([])
  })

  it('a job without the permission for tokens is told so', async () => {
    const { ACTIONS_ID_TOKEN_REQUEST_URL: _, ...env } = runner
    const main = await runStep('main', inputs(), env as Record<string, string>)
    expect(main.code).toBe(78)
    expect(main.stderr).toContain('id-token: write')
  })

  it('the post step of a step that saved nothing does nothing', async () => {
    expect(await runStep('post', inputs())).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  it('a logout that fails is a warning and does not fail the job', async () => {
    await runStep('main', inputs())
    const post = await runPost({ ...inputs(), command: 'exit 3;' })
    expect(post).toMatchObject({ code: 0, stdout: '::warning::sts-cli did not log out\n' })
    expect(await readdir(at('temp'))).toEqual([])
  })
})

describe('the GitLab component', () => {
  /** Returns the lines of a part of the job, with the inputs in their places. */
  async function readScript(
    part: 'before_script' | 'after_script',
    inputs: Record<string, string>,
  ): Promise<string[]> {
    const template = await readFile(path.join(root, 'templates', 'login.yml'), 'utf8')
    const [, block = ''] = new RegExp(`^  ${part}:\\n((?: {4}.*\\n)+)`, 'm').exec(template) ?? []
    return [...block.matchAll(/^ {4}- (.*)$/gm)].map(([, line = '']) =>
      line.replaceAll(
        /\$\[\[ inputs\.([\w-]+) \]\]/g,
        (_whole, name: string) => inputs[name] ?? '',
      ),
    )
  }

  /** Runs a job as GitLab's runner does: before_script and script in one shell, after_script in another. `status` is S3's answer to the keys between. */
  async function runJob(
    script: string,
    over: Record<string, string> = {},
  ): Promise<{ job: Ran; status: number; after: Ran }> {
    const inputs = { command: cli, flags: '', ...over }
    await mkdir(path.join(home.folder, 'project'))
    const variables = {
      ...home.env,
      CI_PROJECT_DIR: path.join(home.folder, 'project'),
      CI_JOB_ID: '7',
      GITLAB_OIDC_TOKEN: issueToken(idp.url, over['audience'] ?? 'sts-cli'),
      STS_CLI_STS_ENDPOINT: sts,
      STS_LOGIN_ROLE: over['role-arn'] ?? roleArn,
      STS_LOGIN_DURATION: over['duration'] ?? '',
    }
    const before = await readScript('before_script', inputs)
    const after = await readScript('after_script', inputs)
    const run = (lines: readonly string[]): Promise<Ran> =>
      runProgram('sh', ['-c', ['set -e', ...lines].join('\n')], variables)
    const job = await run([...before, script])
    const status = await askS3(readKeys(job))
    return { job, status, after: await run(after) }
  }
  const printKeys = 'echo "$AWS_ACCESS_KEY_ID $AWS_SECRET_ACCESS_KEY $AWS_SESSION_TOKEN"'
  const readKeys = ({ stdout }: Ran): Record<string, string> => {
    const [accessKey = '', secretKey = '', token = ''] = stdout.trim().split(' ')
    return {
      AWS_ACCESS_KEY_ID: accessKey,
      AWS_SECRET_ACCESS_KEY: secretKey,
      AWS_SESSION_TOKEN: token,
    }
  }

  it.each(['', '20m'])(
    'logs in by the job’s token, exports, and logs out afterwards (duration «%s»)',
    async (duration) => {
      const { job, status, after } = await runJob(printKeys, { duration })
      expect(job).toMatchObject({ code: 0, stderr: '' })
      expect(status).toBe(200)
      expect(after).toEqual({ code: 0, stdout: '', stderr: '' })
      expect(await askS3(readKeys(job))).toBe(403)
      expect(await readdir(path.join(home.folder, 'project.tmp'))).toEqual([])
    },
  )

  it('nothing of the credentials is printed, or left in the project', async () => {
    const { job } = await runJob(
      '[ -n "$AWS_SESSION_TOKEN" ]; [ -z "$(ls -A project)" ]; echo done',
    )
    expect(job).toEqual({ code: 0, stdout: 'done\n', stderr: '' })
  })

  it('a failed script is followed by the logout', async () => {
    const { job, status, after } = await runJob(`${printKeys}; false`)
    expect([job.code, status, after.code]).toEqual([1, 200, 0])
    expect(await askS3(readKeys(job))).toBe(403)
  })

  it.each<[string, Record<string, string>]>([
    ['the audience is another', { audience: 'other' }],
    ['another account is expected', { flags: '--expect-account 999999999999' }],
  ])('the script does not run when %s', async (_what, over) => {
    const { job, after } = await runJob('echo ran', over)
    expect(job).toMatchObject({ code: 77, stdout: '' })
    expect(after.code).toBe(0)
  })

  it('takes the version of this package, as the action does', async () => {
    const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as {
      version: string
    }
    for (const name of ['action/action.yml', 'templates/login.yml'])
      expect(await readFile(path.join(root, name), 'utf8')).toContain(
        `default: npx --yes sts-cli@${version}\n`,
      )
  })
})

describe('the page about jobs', () => {
  const page = readPage('docs/jobs.md')

  it('its SPIFFE block logs in with what spire-agent prints', async () => {
    const spiffeId = 'spiffe://example.org/uploader'
    const file = path.join(home.folder, 'spiffe.json')
    await writeFile(
      file,
      findBlock('SPIFFE 2', page).text.replace('https://oidc.example.org', idp.url),
    )
    const { ready } = await home.serve(['--no-idp', '--role', file])
    // As SPIRE 1.x prints it: each SVID after its id, then the keys of the trust domain.
    const token = issueToken(idp.url, 'sts-cli', { sub: spiffeId })
    const agent = path.join(home.folder, 'bin', 'spire-agent')
    await mkdir(path.dirname(agent), { recursive: true })
    await writeFile(
      agent,
      `#!/bin/sh\n[ "$*" = 'api fetch jwt -audience sts-cli' ] || exit 1\nprintf 'token(%s):\\n\\t%s\\nbundle(%s):\\n\\t%s\\n' '${spiffeId}' '${token}' spiffe://example.org '{"keys":[]}'\n`,
    )
    await chmod(agent, 0o755)
    const block = findBlock('SPIFFE 1', page).text.replace(
      'https://minio.example.com:9000',
      ready.sts,
    )
    const ran = await home.shell('bash', `${block}\nsts-cli status`)
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    // The same from the profile of the page, which renews without a login.
    const config = path.join(home.folder, 'config.toml')
    const profile = findBlock('SPIFFE 3', page).text.replace(
      'https://minio.example.com:9000',
      ready.sts,
    )
    await writeFile(config, profile, { mode: 0o600 })
    const renewed = await home.shell(
      'bash',
      `sts-cli creds --config '${config}' -p spiffe --refresh --field accessKeyId`,
    )
    expect(renewed).toMatchObject({ code: 0, stderr: '' })
  })

  it('its workflow and its pipeline name inputs that the action and the component have', async () => {
    const names = (yaml: string): string[] =>
      [...yaml.matchAll(/^ +([\w-]+): \S/gm)].map(([, name = '']) => name)
    const [, given = ''] =
      /with:\n((?: {10}.*\n)+)/.exec(findBlock('GitHub Actions 1', page).text) ?? []
    const [, inputs = ''] = /inputs:\n((?: {6}.*\n)+)/.exec(findBlock('GitLab 1', page).text) ?? []
    const action = await readFile(path.join(root, 'action', 'action.yml'), 'utf8')
    const component = await readFile(path.join(root, 'templates', 'login.yml'), 'utf8')
    expect(names(given).length).toBeGreaterThan(0)
    expect(names(given).filter((name) => !action.includes(`\n  ${name}:\n`))).toEqual([])
    expect(names(inputs).filter((name) => !component.includes(`\n    ${name}:\n`))).toEqual([])
  })
})
