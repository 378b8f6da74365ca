#!/usr/bin/env node
/** The AWS CLI commands of README.md by AWS’s own SDK: credentials, endpoint and region come from the sources that the CLI uses. */
import { text } from 'node:stream/consumers'
import {
  CreateBucketCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'

const s3 = new S3Client({ forcePathStyle: true, maxAttempts: 1 })
const [service, verb, ...operands] = process.argv.slice(2)
const split = (url) => {
  const [, bucket, key] = /^s3:\/\/([^/]+)\/?(.*)$/.exec(url) ?? []
  return { Bucket: bucket, Key: key }
}

const verbs = {
  async mb([url]) {
    await s3.send(new CreateBucketCommand({ Bucket: split(url).Bucket }))
    return [`make_bucket: ${split(url).Bucket}`]
  },
  async cp([from, url]) {
    if (from !== '-') throw new Error(`cp of ${from}`)
    await s3.send(new PutObjectCommand({ ...split(url), Body: await text(process.stdin) }))
    return []
  },
  async ls([url]) {
    if (url === undefined)
      return ((await s3.send(new ListBucketsCommand({}))).Buckets ?? []).map(({ Name }) => Name)
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: split(url).Bucket }))
    return Contents.map(({ Key, Size }) => `${Size} ${Key}`)
  },
}

if (service !== 's3' || verbs[verb] === undefined) throw new Error(`aws ${service} ${verb}`)
for (const line of await verbs[verb](operands)) console.log(line)
