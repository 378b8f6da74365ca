import { randomBytes } from 'node:crypto'
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
// The name that a user imports: the exports of the built package.
import * as library from 'sts-cli'

const { clientGrants, startServer } = library
const bucket = 'my-bucketname'

describe('library', () => {
  it('the library exports two functions, the class of their errors and nothing else', () => {
    expect(Object.keys(library).toSorted()).toEqual(['StsCliError', 'clientGrants', 'startServer'])
  })

  it('startServer() stops its server at the end of its scope', async () => {
    let url = ''
    {
      await using server = await startServer()
      ;({ url } = server)
      expect((await fetch(`${url}/minio/health/ready`)).status).toBe(200)
    }
    await expect(fetch(url)).rejects.toThrow('fetch failed')
  })

  it('stop() may be called twice', async () => {
    const server = await startServer()
    await server.stop()
    await server.stop()
    await expect(fetch(server.url)).rejects.toThrow('fetch failed')
  })

  it('issueToken() issues tokens with arbitrary claims, such as an unknown policy', async () => {
    await using server = await startServer()
    const token = await server.issueToken({ sub: 'alice', policy: 'no-such-policy', aud: 'me' })
    const form = {
      Action: 'AssumeRoleWithWebIdentity',
      Version: '2011-06-15',
      WebIdentityToken: token,
    }
    const answer = await fetch(server.url, { method: 'POST', body: new URLSearchParams(form) })
    expect([answer.status, await answer.text()]).toEqual([
      400,
      expect.stringContaining('no-such-policy'),
    ])
  })

  it('startServer() restricts a client to its policy', async () => {
    const statement = {
      Effect: 'Allow',
      Action: 's3:GetObject',
      Resource: `arn:aws:s3:::${bucket}/*`,
    }
    await using server = await startServer({
      buckets: [bucket],
      clients: [{ id: 'reader', secret: 'a secret of its own', policy: 'get-only' }],
      policies: { 'get-only': { Version: '2012-10-17', Statement: [statement] } },
    })
    const s3 = connect(server)
    await expect(
      s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'k', Body: 'x' })),
    ).rejects.toMatchObject({
      message: 'Access Denied.',
      Reason: expect.stringContaining('get-only') as unknown,
    })
    await expect(s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'k' }))).rejects.toThrow(
      'does not exist',
    )
  })
})

type Server = Awaited<ReturnType<typeof startServer>>

/** Connects AWS’s SDK with its defaults and the credentials of clientGrants(). */
function connect(server: Server): S3Client {
  const { tokenEndpoint, clientId, clientSecret, caFile, url } = server
  const credentials = clientGrants({
    tokenEndpoint,
    stsEndpoint: url,
    clientId,
    clientSecret,
    caFile,
  })
  return new S3Client({ endpoint: url, region: 'us-east-1', forcePathStyle: true, credentials })
}

describe('AWS SDK v3 with clientGrants()', () => {
  let server: Server
  let s3: S3Client

  beforeAll(async () => {
    server = await startServer({ buckets: [bucket] })
    s3 = connect(server)
  })
  afterAll(() => server.stop())

  const read = async (key: string): Promise<Buffer> => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
    return Buffer.from((await Body?.transformToByteArray()) ?? [])
  }

  it('AWS SDK v3 puts, heads, copies, lists, gets and deletes objects', async () => {
    const Key = 'a folder/ä+b'
    await s3.send(
      new PutObjectCommand({ Bucket: bucket, Key, Body: 'Hello, World', Metadata: { a: 'b' } }),
    )
    const head = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key }))
    expect([head.ContentLength, head.Metadata]).toEqual([12, { a: 'b' }])

    const CopySource = `${bucket}/${encodeURIComponent(Key)}`
    await s3.send(new CopyObjectCommand({ Bucket: bucket, Key: 'copy', CopySource }))
    const listed = await s3.send(new ListObjectsV2Command({ Bucket: bucket }))
    expect(listed.Contents?.map((entry) => entry.Key)).toEqual([Key, 'copy'])
    expect((await read('copy')).toString()).toBe('Hello, World')

    for (const key of [Key, 'copy'])
      await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }))
    expect((await s3.send(new ListObjectsV2Command({ Bucket: bucket }))).KeyCount).toBe(0)
  })

  it('AWS SDK v3 uploads 12 MiB in parts', async () => {
    const big = randomBytes(12 * 1024 * 1024)
    const params = { Bucket: bucket, Key: 'big', Body: big }
    await new Upload({ client: s3, params, partSize: 5 * 1024 * 1024 }).done()
    expect((await read('big')).equals(big)).toBe(true)
  })

  it('AWS SDK v3 presigns a URL that works without credentials', async () => {
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'shared', Body: 'shared' }))
    const url = await getSignedUrl(s3, new GetObjectCommand({ Bucket: bucket, Key: 'shared' }))
    expect(await (await fetch(url)).text()).toBe('shared')
  })

  it('AWS SDK v3 does not overwrite an object with IfNoneMatch', async () => {
    const create = { Bucket: bucket, Key: 'once', Body: 'first', IfNoneMatch: '*' }
    await s3.send(new PutObjectCommand(create))
    await expect(s3.send(new PutObjectCommand(create))).rejects.toMatchObject({
      name: 'PreconditionFailed',
    })
  })
})
