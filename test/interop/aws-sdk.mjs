/** AWS's SDK v3 with its defaults: `aws-sdk.mjs ENDPOINT BUCKET`, in a folder with `small` and `big`. Throws on any unexpected result. */
import assert from 'node:assert/strict'
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { Agent } from 'node:http'
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'

const [endpoint, Bucket] = process.argv.slice(2)
// Some resolvers do not know that every name below localhost is a loopback address (RFC 6761 §6.3).
const lookup = (_host, options, done) =>
  options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4)
const s3 = new S3Client({ endpoint, requestHandler: { httpAgent: new Agent({ lookup }) } })
const Key = 'some folder/small+ü'

await s3.send(new CreateBucketCommand({ Bucket }))
await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'Hello, World', Metadata: { a: 'b' } }))
const got = await s3.send(new GetObjectCommand({ Bucket, Key }))
assert.equal(await got.Body.transformToString(), 'Hello, World')
assert.deepEqual(got.Metadata, { a: 'b' })

await new Upload({
  client: s3,
  params: { Bucket, Key: 'big', Body: createReadStream('big') },
}).done()
const big = await s3.send(new GetObjectCommand({ Bucket, Key: 'big' }))
assert.ok(Buffer.from(await big.Body.transformToByteArray()).equals(await readFile('big')))
assert.match((await s3.send(new HeadObjectCommand({ Bucket, Key: 'big' }))).ETag, /-3"$/)

const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket }))
assert.deepEqual(
  Contents.map((item) => item.Key),
  ['big', Key],
)
const url = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key }), { expiresIn: 60 })
const { hostname, port, pathname, search } = new URL(url)
assert.equal(hostname, endpoint.includes('localhost') ? `${Bucket}.localhost` : '127.0.0.1')
const { request } = await import('node:http')
const answer = await new Promise((resolve, reject) => {
  const headers = { host: `${hostname}:${port}` }
  const options = { host: '127.0.0.1', port, path: pathname + search, headers }
  request(options, resolve).on('error', reject).end()
})
assert.equal(answer.statusCode, 200)
answer.resume()

const Objects = [{ Key }, { Key: 'big' }]
await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
await s3.send(new DeleteBucketCommand({ Bucket }))
