import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  expectSteps,
  lifetimeSeconds,
  openWorkplace,
  runSeconds,
  type Workplace,
} from './client-steps.ts'
import { cachedPath } from './stack.ts'

const program = cachedPath('bin', 'aws-sdk-go-steps')

let workplace: Workplace
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.stop())

describe('the AWS SDK for Go v2 with its transfer manager', () => {
  it('the AWS SDK for Go writes 30 MiB in parts, reads, lists and deletes', async () => {
    const bucket = await workplace.makeBucket('go-once')
    await expectSteps(
      workplace,
      bucket,
      await workplace.run([program, bucket, 'big'], workplace.env),
    )
  })

  it('the AWS SDK for Go exchanges the token of a file for credentials, again before they expire', async () => {
    const { makeBucket, renewingEnv, run } = workplace
    const bucket = await makeBucket('go-renewed')
    const { AWS_CONFIG_FILE: _, ...env } = renewingEnv
    const token = await run(['sts-cli', 'token'], env)
    const file = path.join(workplace.folder, 'token')
    // With the final newline, as a shell writes it.
    await writeFile(file, `${token}\n`)
    const settings = {
      AWS_WEB_IDENTITY_TOKEN_FILE: file,
      AWS_ROLE_ARN: 'arn:aws:iam::000000000000:role/any',
      STEPS_LIFETIME: String(lifetimeSeconds),
    }
    const stdout = await run([program, bucket, 'big', String(runSeconds)], { ...env, ...settings })
    expect((JSON.parse(stdout) as { rounds: number }).rounds).toBeGreaterThanOrEqual(3)
  })
})

/** As its users type it. It begins to send in parts at 50 MiB otherwise. */
const everydayOfS5cmd = `
  s5cmd cp small "s3://$BUCKET/some folder/small+ü"
  s5cmd cp --part-size 8 --concurrency 3 big s3://$BUCKET/kept/big
  s5cmd ls "s3://$BUCKET/*" | grep -F 'some folder/small+ü'
  s5cmd cat "s3://$BUCKET/some folder/small+ü" | cmp small
  s5cmd cp s3://$BUCKET/kept/big back && cmp big back
  s5cmd rm "s3://$BUCKET/some folder/small+ü"
  s5cmd ls "s3://$BUCKET/*"`

describe('s5cmd', () => {
  it('s5cmd writes 30 MiB in parts, reads, lists and deletes', async () => {
    const bucket = await workplace.makeBucket('s5cmd-once')
    const argv = ['bash', '-c', `set -euo pipefail\n${everydayOfS5cmd}`]
    const env = { ...workplace.env, S3_ENDPOINT_URL: workplace.stack.sts, BUCKET: bucket }
    const stdout = await workplace.run(argv, env)
    expect(stdout.trim().split('\n').at(-1)).toMatch(/31457280 +kept\/big$/)
    expect(stdout).not.toMatch(/small\+ü$/)
    await workplace.expectBig(bucket)
  })

  it('s5cmd gets new credentials from exec --server during a run that outlives them', async () => {
    const bucket = await workplace.makeBucket('s5cmd-renewed')
    // The commands come one by one, over more than two lifetimes, to one process.
    const script = `
      set -euo pipefail
      for n in $(seq ${runSeconds}); do echo "cp small s3://$BUCKET/$n"; sleep 1; done | s5cmd run
      s5cmd ls s3://$BUCKET/ | wc -l`
    const { AWS_CONFIG_FILE: _, ...renewingEnv } = workplace.renewingEnv
    const env = { ...renewingEnv, S3_ENDPOINT_URL: workplace.stack.sts, BUCKET: bucket }
    const server = ['sts-cli', 'exec', '--server', '--duration', String(lifetimeSeconds), '--']
    expect(
      (await workplace.run([...server, 'bash', '-c', script], env)).trim().split('\n').at(-1),
    ).toBe(String(runSeconds))
  })
})
