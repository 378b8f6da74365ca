import {
  GetObjectTaggingCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { once } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openHome, type ReadyFacts, type Serving } from '../support/e2e/harness.ts'

/** Opens a client without keep-alive: each request may reach another worker. */
function openS3({ sts, accessKey, secretKey }: ReadyFacts): S3Client {
  const s3 = new S3Client({
    endpoint: sts,
    region: 'us-east-1',
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
    requestHandler: { httpAgent: { keepAlive: false, maxSockets: 50 } },
  })
  onTestFinished(() => s3.destroy())
  return s3
}

/** Returns the process ids of all workers that became ready, in order. */
function readyPids(serving: Serving): number[] {
  return [...serving.stderr().matchAll(/"pid":(\d+),"msg":"a worker is ready"/g)].map(([, pid]) =>
    Number(pid),
  )
}

async function printed(serving: Serving, isThere: () => boolean): Promise<void> {
  while (!isThere()) await once(serving.child.stderr ?? serving.child, 'data')
}

const workers = ['--workers', '2', '--log-level', 'info', '--bucket', 'my-bucketname']

describe('sts-cli serve --workers', () => {
  it('every worker answers, and the metrics count their requests together', async () => {
    const home = await openHome()
    const serving = await home.serve(workers)
    expect(new Set(readyPids(serving)).size).toBe(2)
    expect(readyPids(serving)).not.toContain(serving.ready.pid)

    for (let i = 0; i < 4; i += 1) expect((await home.cli(['login', '-q'])).code).toBe(0)
    const metrics = await (await fetch(`${serving.ready.sts}/metrics`)).text()
    expect(metrics).toContain('{action="AssumeRoleWithClientGrants",status="200"} 4\n')
    expect(await serving.stop()).toBe(0)
  })

  it('one of many conditional writes succeeds, whichever workers they reach', async () => {
    const home = await openHome()
    const s3 = openS3((await home.serve(workers)).ready)
    for (let round = 0; round < 3; round += 1) {
      const writes = Array.from({ length: 20 }, (_, i) =>
        s3.send(
          new PutObjectCommand({
            Bucket: 'my-bucketname',
            Key: `key-${round}`,
            Body: `write ${i}`,
            IfNoneMatch: '*',
          }),
        ),
      )
      const settled = await Promise.allSettled(writes)
      expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    }
  })

  it('tags written by one worker are immediately visible in all others', async () => {
    const home = await openHome()
    const s3 = openS3((await home.serve(workers)).ready)
    const target = { Bucket: 'my-bucketname', Key: 'my-objectname' }
    await s3.send(new PutObjectCommand({ ...target, Body: 'Hello, World' }))
    for (let round = 0; round < 6; round += 1) {
      const TagSet = [{ Key: 'round', Value: String(round) }]
      await s3.send(new PutObjectTaggingCommand({ ...target, Tagging: { TagSet } }))
      for (let reader = 0; reader < 2; reader += 1) {
        const read = await s3.send(new GetObjectTaggingCommand(target))
        expect(read.TagSet).toEqual(TagSet)
      }
    }
  })

  it('a worker that died is replaced and reported', async () => {
    const home = await openHome()
    const serving = await home.serve(workers)
    const [victim = 0] = readyPids(serving)
    process.kill(victim, 'SIGKILL')
    await printed(serving, () => readyPids(serving).length === 3)

    expect(serving.stderr()).toContain(`"pid":${victim},"code":null,"signal":"SIGKILL"`)
    expect((await home.cli(['login', '-q'])).code).toBe(0)
    expect(await serving.stop()).toBe(0)
    for (const pid of readyPids(serving)) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  })

  it('serve --workers runs a command like a single process and ends with its exit code', async () => {
    const home = await openHome()
    const argv = ['serve', '--workers', '2', '--address', '127.0.0.1:0', '--idp-address']
    const command = 'test -n "$AWS_SESSION_TOKEN" && exit 7'
    const { code } = await home.cli([...argv, '127.0.0.1:0', '--', 'sh', '-c', command])
    expect(code).toBe(7)
  })

  it.each(['0', '65', 'two', '1.5'])('serve refuses --workers %s', async (count) => {
    const home = await openHome()
    const { code, stderr } = await home.cli(['serve', '--workers', count])
    expect(code).toBe(64)
    expect(stderr).toContain(`error: serve: --workers "${count}" is not from 1 to 64`)
  })

  it('serve --workers reports a port in use in one line and stops', async () => {
    const home = await openHome()
    const { ready } = await home.serve()
    const { host } = new URL(ready.sts)
    const argv = ['serve', '--workers', '2', '--no-idp', '--address', host]
    const { code, stderr } = await home.cli(argv)
    expect(code).toBe(69)
    expect(stderr).toMatch(/^error: serve: port \d+ is in use\nhint: /)
  })
})
