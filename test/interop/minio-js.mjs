/** minio-js with its defaults: `minio-js.mjs FOLDER-OF-THE-PACKAGE BUCKET`, in a folder with `small` and `big`. Throws on any unexpected result. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { buffer } from 'node:stream/consumers'

const [folder, bucket] = process.argv.slice(2)
const { Client } = createRequire(import.meta.url)(folder)
const { hostname, port, protocol } = new URL(process.env.AWS_ENDPOINT_URL_S3)
const client = new Client({
  endPoint: hostname,
  port: Number(port),
  useSSL: protocol === 'https:',
  accessKey: process.env.AWS_ACCESS_KEY_ID,
  secretKey: process.env.AWS_SECRET_ACCESS_KEY,
  sessionToken: process.env.AWS_SESSION_TOKEN,
  partSize: 5 * 1024 * 1024,
})
const key = 'some folder/small+ü'

await client.makeBucket(bucket)
assert.ok(await client.bucketExists(bucket))
await client.putObject(bucket, key, 'Hello, World', undefined, { 'X-Amz-Meta-Colour': 'blue' })
assert.equal((await client.statObject(bucket, key)).metaData.colour, 'blue')
await client.fPutObject(bucket, 'big', 'big')
const big = await readFile('big')
assert.ok((await buffer(await client.getObject(bucket, 'big'))).equals(big))
assert.match((await client.statObject(bucket, 'big')).etag, /-3$/)

const listed = await client.listObjectsV2(bucket, '', true).toArray()
assert.deepEqual(
  listed.map(({ name }) => name),
  ['big', key],
)
const answer = await fetch(await client.presignedGetObject(bucket, key, 60))
assert.equal(await answer.text(), 'Hello, World')
const put = await client.presignedPutObject(bucket, 'put', 60)
assert.equal((await fetch(put, { method: 'PUT', body: 'by URL' })).status, 200)

const policy = client.newPostPolicy()
policy.setBucket(bucket)
policy.setKey('form')
policy.setExpires(new Date(Date.now() + 60_000))
policy.setContentType('text/plain')
policy.setContentLengthRange(1, 100)
const { postURL, formData } = await client.presignedPostPolicy(policy)
const form = new FormData()
for (const [name, value] of Object.entries(formData)) form.append(name, value)
form.append('file', new Blob(['by a form']))
assert.equal((await fetch(postURL, { method: 'POST', body: form })).status, 204)
assert.equal(await buffer(await client.getObject(bucket, 'form')).then(String), 'by a form')

await client.removeObjects(bucket, ['big', 'form', key])
await client.removeObject(bucket, 'put')
await client.removeBucket(bucket)
