/** An operation does everything that a request asks for, or refuses the request: it never ignores a parameter that it does not read. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { StoreRoute } from '../../../../src/server/s3/store/route-rows.ts'
import { storeRoutes } from '../../../../src/server/s3/store/store-routes.ts'
import {
  openHarness,
  texts,
  type Answer,
  type Harness,
} from '../../../support/server/s3-harness.ts'

let s3: Harness
let uploadId = ''
let before: unknown

beforeAll(async () => {
  s3 = await openHarness()
  await s3.send('PUT', '/photos')
  const headers = { 'x-amz-tagging': 'team=blue', 'x-amz-meta-a': 'b' }
  await s3.send('PUT', '/photos/a', { body: 'a photo', headers })
  const begun = await s3.send('POST', '/photos/a?uploads')
  uploadId = texts(begun.text, 'UploadId')[0] ?? ''
  before = await takeStock()
})
afterAll(() => s3.close())

/** Returns everything that is in the store. */
async function takeStock(): Promise<unknown> {
  const buckets = await s3.objects.listBuckets()
  const all = { prefix: '', delimiter: '', after: '', limit: 1000 }
  return {
    buckets,
    objects: await s3.objects.listObjects('photos', all),
    tags: (await s3.objects.statObject('photos', 'a'))?.metadata.tags,
    uploads: await s3.objects.listUploads('photos'),
    parts: await s3.objects.listParts(await s3.objects.findUpload('photos', 'a', uploadId)),
  }
}

interface Extra {
  readonly query?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Sends the operation of a row, with an additional parameter or header. */
function ask(route: StoreRoute, { query = '', headers = {} }: Extra): Promise<Answer> {
  const values: Record<string, string> = { uploadId, partNumber: '1' }
  const required = route.required.map((wanted) => {
    return wanted.includes('=') ? wanted : `${wanted}=${values[wanted] ?? ''}`
  })
  const path = { service: '/', bucket: '/photos', object: '/photos/a' }[route.level]
  const target = `${path}?${[...required, query].filter((text) => text !== '').join('&')}`
  const source = route.header === undefined ? {} : { [route.header]: 'photos/a' }
  return s3.send(route.method, target, { headers: { ...source, ...headers } })
}

/** Returns true if the parameter makes it another operation, which reads all the other parameters. */
function becomesAnother(route: StoreRoute, added: string): boolean {
  const names = [...route.required.map((wanted) => wanted.split('=')[0] ?? ''), added]
  return storeRoutes.some((other) => {
    const required = other.required.map((wanted) => wanted.split('=')[0] ?? '')
    const known = new Set([...required, ...other.optional])
    const isSame = other.method === route.method && other.level === route.level
    return isSame && names.every((name) => known.has(name))
  })
}

function isListed({ headers, header }: StoreRoute, name: string): boolean {
  const isPattern = (listed: string): boolean =>
    listed.endsWith('*') && name.startsWith(listed.slice(0, -1))
  return name === header || headers.includes(name) || headers.some(isPattern)
}

const readAnywhere =
  /^x-amz-(api-version|cf-id|content-sha256|date|expected-bucket-owner|request-payer|security-token|te|user-agent)$/

/** The names are from S3's API, from the pages of its operations. */
const queryNames =
  `abac accelerate accelerate-configuration acl analytics append attributes bucket-region continuation-token cors delete
  delimiter encoding-type encryption fetch-owner id intelligent-tiering inventory key-marker legal-hold lifecycle list-type location logging
  marker max-buckets max-directory-buckets max-keys max-parts max-uploads metadataConfiguration metadataTable metrics notification
  object-lock ownershipControls part-number-marker partNumber policy policyStatus prefix publicAccessBlock renameObject replication
  requestPayment response-content-type restore retention select select-type session start-after tagging torrent uploadId
  upload-id-marker uploads version-id-marker versionId versioning versions website events ping foo`.split(
    /\s+/,
  )
const headerNames =
  `acl bucket-object-lock-enabled bucket-object-lock-token bypass-governance-retention checksum-algorithm
  checksum-crc32 checksum-mode checksum-type confirm-remove-self-bucket-access copy-source copy-source-if-match copy-source-range
  copy-source-server-side-encryption-customer-key create-session-mode decoded-content-length fwd-status grant-full-control grant-read
  grant-read-acp grant-write grant-write-acp if-match-last-modified-time if-match-size max-parts meta-colour metadata-directive mfa
  mp-object-size object-attributes object-lock-legal-hold object-lock-mode object-lock-retain-until-date object-ownership
  optional-object-attributes part-number-marker rename-source sdk-checksum-algorithm server-side-encryption
  server-side-encryption-aws-kms-key-id server-side-encryption-bucket-key-enabled server-side-encryption-context
  server-side-encryption-customer-algorithm server-side-encryption-customer-key server-side-encryption-customer-key-md5
  skip-destination-validation source-expected-bucket-owner storage-class tagging tagging-directive trailer
  transition-default-minimum-object-size website-redirect-location write-offset-bytes`
    .split(/\s+/)
    .map((name) => `x-amz-${name}`)

const anyRoute = fc.constantFrom(...storeRoutes)
const anyQueryName = fc.oneof(
  fc.constantFrom(...queryNames),
  fc.stringMatching(/^[a-w][a-z-]{3,20}$/),
)
const anyHeaderName = fc.oneof(
  fc.constantFrom(...headerNames),
  fc.stringMatching(/^x-amz-[a-z][a-z-]{2,20}$/),
)

describe('parameters that an operation does not read', () => {
  it('an operation refuses every S3 header that it does not read, and changes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(anyRoute, anyHeaderName, fc.boolean(), async (route, name, isHoisted) => {
        fc.pre(!isListed(route, name) && !readAnywhere.test(name))
        const isOther = name === 'x-amz-copy-source' && route.method === 'PUT'
        fc.pre(!(isOther && route.level === 'object' && !route.required.includes('tagging')))
        const extra = isHoisted ? { query: `${name}=1` } : { headers: { [name]: '1' } }
        const { status, code } = await ask(route, extra)
        expect({ status, code: route.method === 'HEAD' ? 'NotImplemented' : code }).toEqual({
          status: 501,
          code: 'NotImplemented',
        })
      }),
      { numRuns: 400 },
    )
    expect(await takeStock()).toEqual(before)
  })

  it('an operation refuses every query parameter that it does not read, and changes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(anyRoute, anyQueryName, fc.constantFrom('', '=', '=1'), async (...given) => {
        const [route, name, value] = given
        fc.pre(!becomesAnother(route, name))
        fc.pre(!route.required.some((wanted) => wanted.split('=')[0] === name))
        expect((await ask(route, { query: `${name}${value}` })).status).toBe(501)
      }),
      { numRuns: 400 },
    )
    expect(await takeStock()).toEqual(before)
  })

  it('a write refuses every conditional header that it does not read, and changes nothing', async () => {
    const names = 'if-match if-none-match if-modified-since if-unmodified-since content-range'
    for (const route of storeRoutes.filter(({ method }) => !/^(GET|HEAD)$/.test(method))) {
      for (const name of names.split(' ').filter((each) => !isListed(route, each)))
        expect(await ask(route, { headers: { [name]: '"x"' } })).toMatchObject({ status: 501 })
    }
    expect(await takeStock()).toEqual(before)
  })

  it('the error names the header or the parameter that is not implemented', async () => {
    const headers = { 'x-amz-write-offset-bytes': '5' }
    const answer = await s3.send('PUT', '/photos/b', { body: 'x', headers })
    expect(texts(answer.text, 'Header')).toEqual(['x-amz-write-offset-bytes'])
    expect((await s3.send('GET', '/photos/a?torrent')).text).toContain('?torrent')
  })

  it('an operation ignores x- parameters, which are for the logs of the caller', async () => {
    expect((await s3.send('GET', '/photos/a?x-id=GetObject&x-job=7')).status).toBe(200)
  })
})

describe('headers with only one supported value', () => {
  it.each([
    ['PUT', '/photos/b', 'x-amz-acl', 'pubic-read', 400],
    ['PUT', '/photos/b', 'x-amz-grant-read', 'id="1"', 400],
    ['PUT', '/photos/b', 'x-amz-storage-class', 'GLACIER', 501],
    ['PUT', '/photos/b', 'x-amz-storage-class', 'COLD', 400],
    ['POST', '/photos/b?uploads', 'x-amz-storage-class', 'COLD', 400],
    ['PUT', '/photos/b', 'x-amz-expected-bucket-owner', '111122223333', 403],
    ['GET', '/photos?list-type=2', 'x-amz-expected-bucket-owner', '111122223333', 403],
    ['DELETE', '/photos/a', 'x-amz-expected-bucket-owner', '111122223333', 403],
    ['GET', '/photos/a', 'x-amz-request-payer', 'somebody', 400],
    ['GET', '/photos/a', 'x-amz-checksum-mode', 'sometimes', 400],
    ['PUT', '/others', 'x-amz-bucket-object-lock-enabled', 'perhaps', 400],
    ['PUT', '/others', 'x-amz-acl', 'pubic-read', 400],
    ['PUT', '/others', 'x-amz-grant-write', 'id="1"', 400],
    ['PUT', '/others', 'x-amz-object-ownership', 'Everybody', 400],
  ])('%s %s with %s: %s gets the status %i', async (method, target, name, value, status) => {
    expect((await s3.send(method, target, { headers: { [name]: value } })).status).toBe(status)
    expect(await takeStock()).toEqual(before)
  })

  it('a copy is refused if it expects another owner of its source', async () => {
    const source = { 'x-amz-copy-source': 'photos/a' }
    const headers = { ...source, 'x-amz-source-expected-bucket-owner': '111122223333' }
    expect((await s3.send('PUT', '/photos/b', { headers })).code).toBe('AccessDenied')
    expect(await takeStock()).toEqual(before)
  })

  it('headers are accepted if they state what is already true', async () => {
    const send = async (target: string, headers: Record<string, string>): Promise<number> =>
      (await s3.send('PUT', target, { body: '', headers })).status
    const owner = {
      'x-amz-expected-bucket-owner': '000000000000',
      'x-amz-request-payer': 'requester',
      // AWS's SDK for C++ sends it with each request.
      'x-amz-api-version': '2006-03-01',
    }
    const object = { 'x-amz-acl': 'bucket-owner-full-control', 'x-amz-storage-class': 'STANDARD' }
    expect(await send('/photos/c', { ...owner, ...object })).toBe(200)
    const bucket = { 'x-amz-acl': 'private', 'x-amz-bucket-object-lock-enabled': 'false' }
    expect(
      await send('/others', { ...bucket, 'x-amz-object-ownership': 'BucketOwnerEnforced' }),
    ).toBe(200)
  })

  it('a request that has no body may state the checksum of nothing, and no other', async () => {
    const send = async (method: string, value: string): Promise<number> =>
      (await s3.send(method, '/photos/a', { headers: { 'x-amz-checksum-crc32': value } })).status
    // AWS's SDK for Java sends both with each part of a download.
    const te = { 'x-amz-te': 'append-md5', 'x-amz-checksum-crc32': 'AAAAAA==' }
    const got = await s3.send('GET', '/photos/a?partNumber=1', { headers: te })
    expect([got.status, got.headers['x-amz-transfer-encoding']]).toEqual([206, undefined])
    for (const method of ['GET', 'HEAD']) {
      expect(await send(method, 'AAAAAA==')).toBe(200)
      expect(await send(method, 'AAAAAQ==')).toBe(501)
    }
  })

  it('an upload may say that its metadata replaces that of a source, but not that it copies it', async () => {
    const send = async (method: string, target: string, value: string): Promise<number> => {
      const headers = { 'x-amz-metadata-directive': value, 'x-amz-meta-mode': '33188' }
      return (await s3.send(method, target, { headers })).status
    }
    // s3fs-fuse begins so when it renames a file.
    expect(await send('POST', '/photos/b?uploads', 'REPLACE')).toBe(200)
    expect(await send('POST', '/photos/b?uploads', 'COPY')).toBe(501)
    expect(await send('PUT', '/photos/b', 'REPLACE')).toBe(200)
    expect(await send('PUT', '/photos/b', 'COPY')).toBe(501)
  })

  it('a new bucket is refused if its document asks for more than the region', async () => {
    const tags = '<Tags><Tag><Key>a</Key><Value>b</Value></Tag></Tags>'
    const body = `<CreateBucketConfiguration>${tags}</CreateBucketConfiguration>`
    expect((await s3.send('PUT', '/tagged', { body })).code).toBe('NotImplemented')
  })
})
