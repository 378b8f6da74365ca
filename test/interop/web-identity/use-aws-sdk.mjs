/** AWS's SDK v3 with its defaults: `use-aws-sdk.mjs BUCKET FILE SECONDS`, the steps of data-clients/steps.py. */
import assert from 'node:assert/strict'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'

const [Bucket, , seconds] = process.argv.slice(2)
const s3 = new S3Client({ forcePathStyle: true })
const end = performance.now() + Number(seconds) * 1000
let rounds = 0
for (; rounds < 3 || performance.now() < end; rounds += 1) {
  const [Key, Body] = [`round-${rounds}`, 'x'.repeat(rounds + 1)]
  await s3.send(new PutObjectCommand({ Bucket, Key, Body }))
  const got = await s3.send(new GetObjectCommand({ Bucket, Key }))
  assert.equal(await got.Body.transformToString(), Body)
  const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket }))
  assert.ok(Contents.some((item) => item.Key === Key))
  await s3.send(new DeleteObjectCommand({ Bucket, Key }))
  await new Promise((resolve) => setTimeout(resolve, 250))
}
process.stdout.write(`${JSON.stringify({ rounds })}\n`)
