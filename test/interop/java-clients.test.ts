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

let workplace: Workplace
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.stop())

/** Returns the command of a program. The JVM compiles little: the programs end soon. */
function java(program: string, ...argv: string[]): string[] {
  const classPath = `${cachedPath('java', 'classes')}:${cachedPath('java', 'jars')}/*`
  return ['java', '-XX:TieredStopAtLevel=1', '-Xmx1g', '-cp', classPath, program, ...argv]
}

const countRounds = (stdout: string): number => (JSON.parse(stdout) as { rounds: number }).rounds

describe('the AWS SDK for Java v2', () => {
  it('the asynchronous client and the transfer manager write 30 MiB in parts, read, list, copy and delete', async () => {
    const bucket = await workplace.makeBucket('java-once')
    const stdout = await workplace.run(java('AwsSdk', bucket, 'big'), workplace.env)
    await expectSteps(workplace, bucket, stdout)
  })

  it.concurrent('the AWS SDK for Java exchanges the token of a file for credentials, again before they expire', async () => {
    const { folder, makeBucket, renewingEnv, run } = workplace
    const { AWS_CONFIG_FILE: _, ...env } = renewingEnv
    const bucket = await makeBucket('java-renewed')
    const file = path.join(folder, 'token')
    await writeFile(file, `${await run(['sts-cli', 'token'], env)}\n`)
    const settings = {
      AWS_WEB_IDENTITY_TOKEN_FILE: file,
      AWS_ROLE_ARN: 'arn:aws:iam::000000000000:role/any',
      STEPS_LIFETIME: String(lifetimeSeconds),
    }
    const argv = java('AwsSdk', bucket, 'big', String(runSeconds))
    expect(countRounds(await run(argv, { ...env, ...settings }))).toBeGreaterThanOrEqual(3)
  })

  it.concurrent('Hadoop’s S3A works on with credentials that exec --server renews', async () => {
    const bucket = await workplace.makeBucket('s3a-renewed')
    const server = ['sts-cli', 'exec', '--server', '--duration', String(lifetimeSeconds), '--']
    const { AWS_CONFIG_FILE: _, ...env } = workplace.renewingEnv
    const argv = java('S3a', bucket, 'big', String(runSeconds))
    expect(countRounds(await workplace.run([...server, ...argv], env))).toBeGreaterThanOrEqual(3)
  })
})

describe('Hadoop’s S3A', () => {
  it('S3A writes 30 MiB in parts, reads, lists, renames a folder and deletes', async () => {
    const bucket = await workplace.makeBucket('s3a-once')
    const stdout = await workplace.run(java('S3a', bucket, 'big'), workplace.env)
    await expectSteps(workplace, bucket, stdout)
  })
})
