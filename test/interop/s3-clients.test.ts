import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cachedPath, installPath, logIn, startStack, type Stack } from './stack.ts'

let stack: Stack
let env: Record<string, string>

beforeAll(async () => {
  stack = await startStack()
  env = { ...(await logIn(stack)), AWS_REGION: 'us-east-1' }
  await writeFile(path.join(stack.home, 'small'), 'Hello, World')
  await writeFile(path.join(stack.home, 'big'), randomBytes(12 * 1024 * 1024))
  env['PATH'] = await installPath(stack.home)
})
afterAll(() => stack.stop())

const program = (name: string): string => path.join(import.meta.dirname, name)

/** The script of each client, as its users type it: make a bucket, put, put in parts, list, get, compare, presign, delete. */
const clients: Record<string, string> = {
  mc: `
    eval "$(sts-cli creds -f mc --alias sts)"
    mc mb sts/$BUCKET
    mc cp small "sts/$BUCKET/some folder/small+ü"
    mc pipe sts/$BUCKET/piped <big
    mc put --part-size 5MiB big sts/$BUCKET/big
    [ "$(mc stat --json sts/$BUCKET/big | grep -c -- '-3"')" = 1 ]
    mc ls --recursive sts/$BUCKET | grep -F 'some folder/small+ü'
    mc cp "sts/$BUCKET/some folder/small+ü" back && cmp small back
    mc cp sts/$BUCKET/piped back && cmp big back
    mc cp sts/$BUCKET/big back && cmp big back
    url=$(mc share download --json sts/$BUCKET/big | sed -n 's/.*"share": *"\\([^"]*\\)".*/\\1/p')
    node -e 'fetch(JSON.parse(process.argv[1])).then(async (a) => process.stdout.write(Buffer.from(await a.arrayBuffer())))' "\\"$url\\"" | cmp big
    mc anonymous set download sts/$BUCKET
    curl --silent --fail $AWS_ENDPOINT_URL_S3/$BUCKET/big | cmp big
    curl --silent $AWS_ENDPOINT_URL_S3/$BUCKET/new -T small | grep -F AccessDenied
    mc anonymous set public sts/$BUCKET
    curl --silent --fail $AWS_ENDPOINT_URL_S3/$BUCKET/new -T small
    mc anonymous get sts/$BUCKET | grep -F public
    mc anonymous set private sts/$BUCKET
    curl --silent $AWS_ENDPOINT_URL_S3/$BUCKET/big | grep -F AccessDenied
    mc rm "sts/$BUCKET/some folder/small+ü"
    mc rb --force sts/$BUCKET`,

  rclone: `
    eval "$(sts-cli creds -f rclone --alias sts)"
    rclone mkdir sts:$BUCKET
    rclone copyto small "sts:$BUCKET/some folder/small+ü"
    rclone copyto --s3-upload-cutoff 5Mi --s3-chunk-size 5Mi big sts:$BUCKET/big
    rclone lsf --recursive sts:$BUCKET | grep -Fx 'some folder/small+ü'
    rclone cat "sts:$BUCKET/some folder/small+ü" | cmp small
    rclone copyto sts:$BUCKET/big back && cmp big back
    curl --silent --fail "$(rclone link --expire 1m sts:$BUCKET/big)" | cmp big
    rclone deletefile sts:$BUCKET/big
    rclone purge sts:$BUCKET`,

  s3cmd: `
    sts-cli creds -f s3cmd -o s3cfg
    s3cmd -c s3cfg mb s3://$BUCKET
    s3cmd -c s3cfg put small "s3://$BUCKET/some folder/small+ü"
    s3cmd -c s3cfg put --multipart-chunk-size-mb=5 big s3://$BUCKET/big
    s3cmd -c s3cfg ls --recursive s3://$BUCKET | grep -F 'some folder/small+ü'
    s3cmd -c s3cfg get --force "s3://$BUCKET/some folder/small+ü" back && cmp small back
    s3cmd -c s3cfg get --force s3://$BUCKET/big back && cmp big back
    s3cmd -c s3cfg del s3://$BUCKET/big
    s3cmd -c s3cfg rb --recursive s3://$BUCKET`,

  'curl --aws-sigv4': `
    cat >curlrc <<END
aws-sigv4 = "aws:amz:us-east-1:s3"
user = "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"
header = "X-Amz-Security-Token: $AWS_SESSION_TOKEN"
silent
show-error
fail
END
    # This curl signs the hash of a body without sending the hash, which every S3 refuses.
    unsigned='x-amz-content-sha256: UNSIGNED-PAYLOAD'
    url=$AWS_ENDPOINT_URL_S3/$BUCKET
    curl -K curlrc -X PUT $url
    curl -K curlrc -H "$unsigned" -T small $url/folder/small
    curl -K curlrc -H "$unsigned" -T big $url/big
    curl -K curlrc "$url?list-type=2" | grep -F '<Key>folder/small</Key>'
    curl -K curlrc $url/folder/small | cmp small
    curl -K curlrc $url/big | cmp big
    curl -K curlrc -X DELETE $url/folder/small
    curl -K curlrc -X DELETE $url/big
    curl -K curlrc -X DELETE $url`,

  'minio-go': `minio-go-everyday $BUCKET`,

  'minio-go, which asks the STS itself': `
    unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
    TOKEN=$(sts-cli token) minio-go-everyday $BUCKET grants`,

  'minio-js': `node ${program('minio-js.mjs')} ${cachedPath('npm', 'node_modules', 'minio')} $BUCKET`,

  'the AWS SDK for JavaScript': `node ${program('aws-sdk.mjs')} $AWS_ENDPOINT_URL_S3 $BUCKET`,

  'the AWS SDK for JavaScript, the bucket in the host': `
    node ${program('aws-sdk.mjs')} "$(printf %s "$AWS_ENDPOINT_URL_S3" | sed s/127.0.0.1/localhost/)" $BUCKET`,
}

describe('S3 clients with the credentials of sts-cli login', () => {
  it.each(Object.entries(clients))('%s does everyday S3 operations', async (name, script) => {
    const bucket = `bucket-${Object.keys(clients).indexOf(name)}`
    const shell = ['-c', `set -euo pipefail\n${script}`]
    const settings = { ...env, BUCKET: bucket }
    const options = { env: settings, extendEnv: false, cwd: stack.home, reject: false, all: true }
    const { exitCode, all } = await execa('bash', shell, options)
    expect({ exitCode, said: exitCode === 0 ? '' : all }).toEqual({ exitCode: 0, said: '' })
    expect(await listBuckets()).not.toContain(bucket)
  })
})

async function listBuckets(): Promise<(string | undefined)[]> {
  const s3 = new S3Client({
    endpoint: stack.sts,
    region: 'us-east-1',
    credentials: {
      accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '',
      sessionToken: env['AWS_SESSION_TOKEN'] ?? '',
    },
  })
  const { Buckets: buckets = [] } = await s3.send(new ListBucketsCommand({}))
  return buckets.map(({ Name }) => Name)
}
