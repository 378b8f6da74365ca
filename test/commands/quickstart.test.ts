import { readdir } from 'node:fs/promises'
import { beforeEach, describe, expect, it } from 'vitest'
import { startServer } from '../../src/server/start-server.ts'
import { goVectors } from '../support/go-vectors.ts'
import {
  clientId,
  errorOf,
  granted,
  makeFolder,
  minioJson,
  openStage,
  runLine,
  stsAnswer,
  type Stage,
} from '../support/commands/harness.ts'

let stage: Stage

beforeEach(async () => {
  stage = await openStage()
})

describe('flags without a command', () => {
  it('flags without a command print the Go program’s output and upload the object', async () => {
    const ran = await stage.cli(stage.flags)
    expect(ran.code).toBe(0)
    expect(ran.stdout).toBe(`##### Credentials\n${minioJson}`)
    expect(ran.stderr).toBe('Uploaded my-objectname of size: 12 Successfully.\n')
    expect(ran.io.out).toHaveLength(1)
    const [exchange, put] = stage.sts.seen
    expect(exchange).toMatchObject({ method: 'POST', url: '/' })
    expect(put).toMatchObject({
      method: 'PUT',
      url: '/my-bucketname/my-objectname',
      body: 'Hello, World',
    })
    expect(put?.headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': '12',
      'x-amz-security-token': granted.sessionToken,
    })
    expect(put?.headers.authorization).toContain(`Credential=${granted.accessKeyId}/20261123/`)
  })

  it('flags without a command print the server’s expiration time unchanged', async () => {
    const [sample] = goVectors.output
    const [accessKeyId = '', secretAccessKey = '', text = '', sessionToken = ''] =
      sample?.fields ?? []
    stage.sts.answer = stsAnswer(undefined, {
      accessKeyId,
      secretAccessKey,
      sessionToken,
      expirationText: text,
    })
    const { stdout } = await stage.ask(['--no-upload'])
    expect(stdout).toBe(sample?.go)
  })

  it('flags without a command upload nothing with --no-upload', async () => {
    const { code, stdout, stderr } = await stage.ask(['--no-upload'])
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: `##### Credentials\n${minioJson}`,
      stderr: '',
    })
    expect(stage.sts.seen.map(({ method }) => method)).toEqual(['POST'])
  })

  it('flags without a command print the credentials and exit 1 when the upload is refused', async () => {
    refuseUpload(
      stage,
      403,
      '<Error><Code>AccessDenied</Code><Message>Access Denied.</Message></Error>',
    )
    const { code, stdout, stderr } = await stage.cli(stage.flags)
    expect(code).toBe(1)
    expect(stdout).toBe(`##### Credentials\n${minioJson}`)
    expect(stderr).toBe(
      'error: s3: my-objectname was not uploaded: the object store refused (HTTP 403, AccessDenied)\n' +
        'Access Denied.\n' +
        'hint: does the bucket my-bucketname exist, and may the credentials write to it? --no-upload leaves this out\n',
    )
  })

  it.each([
    [404, '', 'HTTP404'],
    [502, '<html>bad gateway</html>', 'HTTP502'],
  ])('flags without a command exit 1 when an upload gets %i', async (status, body, word) => {
    refuseUpload(stage, status, body)
    const ran = await stage.ask(['--json', '--retries', '0'])
    expect(ran.code).toBe(1)
    expect(errorOf(ran)).toMatchObject({ stage: 's3', httpStatus: status, serverCode: word })
  })

  it('flags without a command exit 1 when the object store closes the connection', async () => {
    stage.sts.answer = ({ method }) => (method === 'PUT' ? 'cut' : stsAnswer())
    const ran = await stage.ask(['--json', '--retries', '0'])
    expect(ran.code).toBe(1)
    expect(ran.stdout).toContain(granted.accessKeyId)
    expect(errorOf(ran)).toMatchObject({ code: 'ERR_NEGATIVE', stage: 's3', exitCode: 1 })
  })

  it('flags without a command cache nothing', async () => {
    await stage.cli(stage.flags)
    expect(await readdir(stage.home)).toEqual([])
  })

  it('flags without a command request a token with the grant and the client', async () => {
    await stage.cli(stage.flags)
    expect(stage.idp.seen).toHaveLength(1)
    expect(stage.idp.seen[0]).toMatchObject({
      method: 'POST',
      url: '/token',
      body: 'grant_type=client_credentials',
    })
  })

  it('an unexpected argument is refused without being repeated, since it may be part of a secret', async () => {
    const { code, stdout, stderr } = await stage.ask(['-csec', 'correct', 'horse'])
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr).not.toContain('horse')
    expect(stage.idp.seen).toEqual([])
  })

  it('a command after the flags is refused with a hint that commands come first', async () => {
    const { code, stderr } = await stage.ask(['-csec', 'x', 'login'])
    expect(code).toBe(64)
    expect(stderr).toContain('hint: commands come first: sts-cli login')
  })

  it('flags without a command reject what follows a double dash', async () => {
    const { code, stderr } = await stage.ask(['--', 'npm', 'test'])
    expect(code).toBe(64)
    expect(stderr).toContain('--')
    expect(stage.idp.seen).toEqual([])
  })

  it('flags without a command name the missing flag', async () => {
    const { code, stdout, stderr } = await stage.cli(['-csec', 'x'])
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr).toMatch(/^error: config: no client id is given\nhint: use -cid ID -csec SECRET/)
  })
})

describe('quickstart against a real server', () => {
  it('flags without a command log in and upload the object to a real server', async () => {
    await using server = await startServer({
      buckets: ['my-bucketname'],
      clients: [{ id: clientId, secret: 's+p c/&=%', policy: 'readwrite' }],
    })
    const { stdout, stderr, code } = await runLine(
      [
        '-cid',
        clientId,
        '-csec',
        's+p c/&=%',
        '--ca-file',
        server.caFile,
        '-idp-ep',
        server.tokenEndpoint,
        '-sts-ep',
        server.url,
      ],
      { env: { HOME: await makeFolder() } },
      Date.now(),
    )
    expect({ stderr, code }).toEqual({
      stderr: 'Uploaded my-objectname of size: 12 Successfully.\n',
      code: 0,
    })
    expect(stdout).toMatch(/^##### Credentials\n\{\n\t"accessKey": "/)
  })
})

function refuseUpload({ sts }: Stage, status: number, body: string): void {
  sts.answer = ({ method }) => (method === 'PUT' ? { status, body } : stsAnswer())
}
