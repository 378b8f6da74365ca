/** The paths of the login are those of buckets and objects too; but for `v1`, which is too short for a bucket's name. */
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { createPresignedPost } from '@aws-sdk/s3-presigned-post'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer, type StartedServer } from '../../../src/server/start-server.ts'

const objects = [
  ['token', 'authorize'],
  ['client', 'register'],
  ['federation', 'credentials'],
  ['assignment', 'accounts'],
  ['assignment', 'roles'],
] as const
const buckets = [
  ...new Set(objects.map(([bucket]) => bucket)),
  'authorize',
  'logout',
  'device-authorization',
]

let server: StartedServer
let s3: S3Client

beforeAll(async () => {
  server = await startServer({
    buckets,
    users: [{ name: 'ann', password: 'right', policy: 'readwrite' }],
  })
  s3 = new S3Client({
    endpoint: server.url,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: {
      accessKeyId: server.rootAccessKeyId,
      secretAccessKey: server.rootSecretAccessKey,
    },
  })
})
afterAll(async () => {
  s3.destroy()
  await server.stop()
})

describe('buckets with the names of the login', () => {
  it.each(objects)(
    '%s/%s is written, read, presigned and read by everybody',
    async (Bucket, Key) => {
      await s3.send(
        new PutObjectCommand({ Bucket, Key, Body: Key, ContentType: 'application/json' }),
      )
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }))
      expect(await Body?.transformToString()).toBe(Key)
      const command = new GetObjectCommand({ Bucket, Key, ResponseContentType: 'text/plain' })
      const presigned = await fetch(await getSignedUrl(s3, command))
      expect([presigned.status, await presigned.text()]).toEqual([200, Key])
      const Policy = JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Principal: '*',
            Action: 's3:GetObject',
            Resource: `arn:aws:s3:::${Bucket}/*`,
          },
        ],
      })
      await s3.send(new PutBucketPolicyCommand({ Bucket, Policy }))
      const open = await fetch(`${server.url}/${Bucket}/${Key}`)
      expect([open.status, await open.text()]).toEqual([200, Key])
    },
  )

  it.each(buckets)('%s is listed, and takes forms and multi-deletes', async (Bucket) => {
    const { url, fields } = await createPresignedPost(s3, { Bucket, Key: 'from a form' })
    const form = new FormData()
    for (const [name, value] of Object.entries(fields)) form.append(name, value)
    form.append('file', new Blob(['Hello, World']), 'file')
    expect((await fetch(url, { method: 'POST', body: form })).status).toBe(204)
    const Delete = { Objects: [{ Key: 'from a form' }] }
    const { Deleted } = await s3.send(new DeleteObjectsCommand({ Bucket, Delete }))
    expect(Deleted).toEqual([{ Key: 'from a form' }])
    const { Name } = await s3.send(new ListObjectsV2Command({ Bucket }))
    expect(Name).toBe(Bucket)
  })

  it('a page of another origin may not read the answers of the login', async () => {
    for (const path of [
      '/minio/aws-login/device',
      '/v1/authorize?response_type=code&client_id=x',
    ]) {
      const { headers } = await fetch(`${server.url}${path}`, {
        headers: { origin: 'http://a.example' },
      })
      expect(headers.get('access-control-allow-origin')).toBeNull()
      expect(headers.get('x-frame-options')).toBe('DENY')
    }
  })

  it('an unknown page of the login is none', async () => {
    expect((await fetch(`${server.url}/minio/aws-login/other`)).status).toBe(404)
    const posted = await fetch(`${server.url}/minio/aws-login/callback`, { method: 'POST' })
    expect(posted.status).toBe(404)
  })
})
