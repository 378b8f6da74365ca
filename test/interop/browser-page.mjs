/**
 * A web application in one page: it signs a person in by the authorization code flow with PKCE, exchanges the token at the STS, and uses S3 with
 * AWS's SDK v3. It writes `done`, or why it failed, into the page. It knows nothing but the addresses in `globalThis.settings`.
 */
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCorsCommand,
  DeleteObjectCommand,
  GetBucketCorsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketCorsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'

const { issuer, sts } = globalThis.settings
const Bucket = 'photos'
const redirectUri = `${location.origin}/callback`
const steps = []

run().then(
  () => show(`done: ${steps.join(', ')}`),
  (error) => show(`failed after ${steps.join(', ')}: ${error.stack}`),
)

async function run() {
  const provider = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()
  steps.push('discovery')
  const code = new URLSearchParams(location.search).get('code')
  // The browser leaves the page.
  if (code === null) return signIn(provider)
  const token = await redeem(provider, code)
  steps.push('token')
  const s3 = new S3Client({
    endpoint: sts,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: await exchange(token),
  })
  steps.push('credentials')
  await useObjects(s3)
  steps.push('objects')
  await usePresignedUrl(s3)
  steps.push('presigned')
  await useParts(s3)
  steps.push('parts')
  await useRules(s3)
  steps.push('rules')
}

async function signIn({ authorization_endpoint: endpoint }) {
  const verifier = encode(crypto.getRandomValues(new Uint8Array(32)))
  sessionStorage.setItem('verifier', verifier)
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))
  const query = new URLSearchParams({
    client_id: 'sts-cli',
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: 'openid',
    code_challenge: encode(new Uint8Array(digest)),
    code_challenge_method: 'S256',
  })
  location.assign(`${endpoint}?${query}`)
  return new Promise(() => {})
}

async function redeem({ token_endpoint: endpoint }, code) {
  const ask = (code_verifier) =>
    fetch(endpoint, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: 'sts-cli',
        redirect_uri: redirectUri,
        code,
        code_verifier,
      }),
    })
  const answer = await ask(sessionStorage.getItem('verifier') ?? '')
  const { access_token: token } = await answer.json()
  check(answer.status === 200 && token !== undefined, 'no token')
  // a page must be able to read a refusal too
  const refused = await ask('x'.repeat(43))
  check((await refused.json()).error === 'invalid_grant', 'a used code was taken')
  return token
}

async function exchange(token) {
  const ask = async (WebIdentityToken) => {
    const form = { Action: 'AssumeRoleWithWebIdentity', Version: '2011-06-15', WebIdentityToken }
    const answer = await fetch(sts, { method: 'POST', body: new URLSearchParams(form) })
    return new DOMParser().parseFromString(await answer.text(), 'text/xml')
  }
  const text = (xml, name) => xml.getElementsByTagName(name)[0]?.textContent
  check(text(await ask('not a token'), 'Code') !== undefined, 'the refusal cannot be read')
  const xml = await ask(token)
  return {
    accessKeyId: text(xml, 'AccessKeyId'),
    secretAccessKey: text(xml, 'SecretAccessKey'),
    sessionToken: text(xml, 'SessionToken'),
  }
}

async function useObjects(s3) {
  const Key = 'some folder/small+ü'
  await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'Hello, World', Metadata: { a: 'b' } }))
  const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket }))
  check(Contents?.[0]?.Key === Key, 'the list lacks the object')
  const got = await s3.send(new GetObjectCommand({ Bucket, Key, Range: 'bytes=7-' }))
  check((await got.Body.transformToString()) === 'World', 'the content is another')
  check(got.Metadata?.a === 'b' && got.ContentRange === 'bytes 7-11/12', 'headers are hidden')
  await s3.send(new DeleteObjectCommand({ Bucket, Key }))
  const error = await s3.send(new GetObjectCommand({ Bucket, Key })).catch((reason) => reason)
  check(error.name === 'NoSuchKey' && error.$metadata.requestId, 'the error cannot be read')
}

async function usePresignedUrl(s3) {
  const url = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: 'presigned' }))
  const put = await fetch(url, { method: 'PUT', body: 'by a URL' })
  check(put.ok && /^"\w{32}"$/.test(put.headers.get('etag') ?? ''), 'no ETag')
  const get = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: 'presigned' }))
  check((await (await fetch(get)).text()) === 'by a URL', 'the content is another')
}

async function useParts(s3) {
  const part = new Uint8Array(5 * 1024 * 1024).fill(7)
  const where = { Bucket, Key: 'parts' }
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand(where))
  const Parts = []
  for (const [index, Body] of [part, part.subarray(0, 10)].entries()) {
    const PartNumber = index + 1
    const command = new UploadPartCommand({ ...where, UploadId, PartNumber })
    const answer = await fetch(await getSignedUrl(s3, command), { method: 'PUT', body: Body })
    Parts.push({ PartNumber, ETag: answer.headers.get('etag') })
  }
  const MultipartUpload = { Parts }
  const made = await s3.send(
    new CompleteMultipartUploadCommand({ ...where, UploadId, MultipartUpload }),
  )
  check(made.ETag?.endsWith('-2"'), 'the parts were not joined')
  const params = { Bucket, Key: 'upload', Body: new Blob([part, part]) }
  const uploaded = await new Upload({ client: s3, params }).done()
  check(uploaded.ETag?.endsWith('-2"'), 'the upload was not in parts')
}

/** A bucket's own rules decide for it: a rule for another page shuts this one out, until this page's origin is allowed. */
async function useRules(s3) {
  const allow = (origin) => ({
    Bucket,
    CORSConfiguration: {
      CORSRules: [
        {
          AllowedOrigins: [origin],
          AllowedMethods: ['GET', 'PUT', 'DELETE'],
          AllowedHeaders: ['*'],
          ExposeHeaders: ['ETag'],
        },
      ],
    },
  })
  await s3.send(new PutBucketCorsCommand(allow(location.origin)))
  const { CORSRules } = await s3.send(new GetBucketCorsCommand({ Bucket }))
  check(CORSRules?.[0]?.AllowedOrigins?.[0] === location.origin, 'the rules are others')
  const get = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: 'presigned' }))
  const exposed = (await fetch(get)).headers
  check(exposed.has('etag') && !exposed.has('x-amz-request-id'), 'not what the rule exposes')
  await s3.send(new PutBucketCorsCommand(allow('https://other.example')))
  const refused = await fetch(get, { cache: 'no-store' }).catch((reason) => reason)
  check(refused instanceof TypeError, 'the page read what is for another')
  const remove = await getSignedUrl(s3, new DeleteBucketCorsCommand({ Bucket }))
  const shut = await fetch(remove, { method: 'DELETE' }).catch((reason) => reason)
  check(shut instanceof TypeError, 'a preflight of another origin was allowed')
}

function encode(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replace(/[+]/g, '-')
    .replace(/[/]/g, '_')
    .replace(/=/g, '')
}

function check(isTrue, what) {
  if (!isTrue) throw new Error(what)
}

function show(text) {
  const result = document.createElement('p')
  result.id = 'result'
  result.textContent = text
  document.body.append(result)
}
