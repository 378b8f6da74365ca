/** Writes and reads with the profile of AWS_PROFILE for longer than two lifetimes of its credentials, which the SDK renews by itself. */
import { setTimeout as sleep } from 'node:timers/promises'
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'

const [bucket, seconds] = process.argv.slice(2)
const s3 = new S3Client({ forcePathStyle: true })
const keys = new Set()
const ends = performance.now() + Number(seconds) * 1000
while (performance.now() < ends) {
  const object = { Bucket: bucket, Key: 'from JavaScript' }
  await s3.send(new PutObjectCommand({ ...object, Body: 'Hello, World' }))
  const { Body } = await s3.send(new GetObjectCommand(object))
  if ((await Body.transformToString()) !== 'Hello, World') throw new Error('another object')
  keys.add((await s3.config.credentials()).accessKeyId)
  await sleep(500)
}
console.log(JSON.stringify({ keys: keys.size }))
