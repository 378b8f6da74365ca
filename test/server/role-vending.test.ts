/** A whole server: what a role vends is what S3 then allows. */
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { describe, expect, it, onTestFinished } from 'vitest'
import { silentLog } from '../../src/base/log.ts'
import { sha256Hex } from '../../src/protocol/digest.ts'
import { signRequest } from '../../src/protocol/sigv4/sign.ts'
import { decodeStsAnswer, type StsAnswer } from '../../src/protocol/sts-wire.ts'
import { createServer } from '../../src/server/create-server.ts'

const rootKey = { accessKeyId: 'minio', secretAccessKey: 'minio-secret-of-some-length' }
const allow = (Action: string, Resource: string): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource }] })

async function open() {
  const trust = {
    principal: '000000000000',
    conditions: { StringEquals: { 'sts:ExternalId': 'w-7' } },
  }
  const catalog = { name: 'catalog', policies: ['tables'], trust }
  const server = await createServer({
    address: { host: '127.0.0.1', port: 0 },
    tls: undefined,
    region: '',
    root: rootKey,
    objects: { kind: 'directory', directory: undefined, buckets: ['lake'] },
    domains: [],
    policies: new Map([['tables', allow('s3:*', 'arn:aws:s3:::lake/${aws:PrincipalTag/table}/*')]]),
    roles: new Map([['catalog.json', JSON.stringify(catalog)]]),
    identityProvider: undefined,
    policyClaim: 'policy',
    policyEngine: undefined,
    limits: {
      minDurationSeconds: 900,
      maxDurationSeconds: 31_536_000,
      defaultDurationSeconds: 3600,
      isLongerThanTokenAllowed: false,
    },
    log: silentLog,
    isAccessLogged: false,
    nowMs: () => Date.now(),
  })
  onTestFinished(() => server.stop())
  const connection = { endpoint: server.url.origin, region: 'us-east-1', maxAttempts: 1 }
  return {
    /** Calls AssumeRole as AWS's clients do. */
    async assume(more: Readonly<Record<string, string>> = {}): Promise<StsAnswer> {
      const body = new URLSearchParams({
        Action: 'AssumeRole',
        Version: '2011-06-15',
        RoleArn: 'arn:aws:iam::123456789012:role/catalog',
        RoleSessionName: 'query-1',
        ExternalId: 'w-7',
        'Tags.member.1.Key': 'Table',
        'Tags.member.1.Value': 'sales',
        ...more,
      }).toString()
      const type = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }
      const unsigned = {
        method: 'POST',
        url: new URL('/', server.url),
        headers: { host: server.url.host, ...type },
        payloadHash: sha256Hex(body),
      }
      const options = { region: 'us-east-1', service: 'sts', nowMs: Date.now() } as const
      const headers = signRequest(unsigned, rootKey, options)
      const answer = await fetch(unsigned.url, { method: 'POST', headers, body })
      return decodeStsAnswer('AssumeRole', answer.status, await answer.text())
    },
    /** Returns what S3 says to a GET and a PUT of a key: `ok`, or the error's name. */
    async use({ credentials }: StsAnswer, Key: string): Promise<readonly string[]> {
      if (credentials === undefined) throw new Error('no credentials')
      const s3 = new S3Client({ ...connection, forcePathStyle: true, credentials })
      const at = { Bucket: 'lake', Key }
      const name = (sent: Promise<unknown>): Promise<string> =>
        sent.then(
          () => 'ok',
          (error: Error) => error.name,
        )
      const put = await name(s3.send(new PutObjectCommand({ ...at, Body: 'x' })))
      return [put, await name(s3.send(new GetObjectCommand(at)))]
    },
  }
}

describe('a role that vends credentials for one table', () => {
  it('is assumed with tags, and S3 allows the table of the tag only', async () => {
    const { assume, use } = await open()
    const vended = await assume()
    expect(await use(vended, 'sales/a')).toEqual(['ok', 'ok'])
    expect(await use(vended, 'wages/a')).toEqual(['AccessDenied', 'AccessDenied'])
  })

  it('limits what it vends by session policies, by text and by ARN', async () => {
    const { assume, use } = await open()
    const Policy = allow('s3:*', 'arn:aws:s3:::lake/sales/2026/*')
    const vended = await assume({ Policy })
    expect(await use(vended, 'sales/2026/a')).toEqual(['ok', 'ok'])
    expect(await use(vended, 'sales/2025/a')).toEqual(['AccessDenied', 'AccessDenied'])
    const readonly = { 'PolicyArns.member.1.arn': 'arn:aws:iam::aws:policy/readonly' }
    const denied = ['AccessDenied', 'ok']
    expect(await use(await assume({ Policy, ...readonly }), 'sales/2026/a')).toEqual(denied)
    expect(await use(await assume(readonly), 'sales/2026/a')).toEqual(denied)
  })

  it('refuses root too where its trust does not hold', async () => {
    const { assume } = await open()
    await expect(assume({ ExternalId: 'w-8' })).rejects.toMatchObject({ code: 'AccessDenied' })
    await expect(assume({ Policy: '{' })).rejects.toMatchObject({ code: 'MalformedPolicyDocument' })
  })
})
