import { describe, expect, it, onTestFinished } from 'vitest'
import { parseSignature } from '../../../../src/protocol/sigv4/parse-signature.ts'
import { presignUrl } from '../../../../src/protocol/sigv4/sign.ts'
import { verifySignature } from '../../../../src/protocol/sigv4/verify-signature.ts'
import { coversKnownAction } from '../../../../src/server/policy/known-actions.ts'
import { gatewayRoutes } from '../../../../src/server/s3/gateway/gateway-routes.ts'
import {
  md5,
  openHarness,
  region,
  root,
  startMs,
  texts,
  type Ask,
  type Harness,
} from '../../../support/server/s3-harness.ts'
import {
  keys,
  startUpstream,
  type ScriptedUpstream,
} from '../../../support/server/scripted-upstream.ts'

async function openGateway(): Promise<{ s3: Harness; upstream: ScriptedUpstream }> {
  const upstream = await startUpstream()
  const s3 = await openHarness({ upstream: { url: upstream.url, credentials: keys } })
  onTestFinished(() => s3.close())
  return { s3, upstream }
}

describe('allowed requests', () => {
  it('an allowed request is sent on as the policies saw it, signed with the gateway’s own keys', async () => {
    const { s3, upstream } = await openGateway()

    await s3.send('GET', '/photos/a%2Fb%20c+d//e?x-id=GetObject&response-content-type=text%2Fcsv')

    const [seen] = upstream.seen
    expect(seen?.url).toBe('/photos/a/b%20c%2Bd//e?response-content-type=text%2Fcsv')
    const [rawPath = '', rawQuery = ''] = (seen?.url ?? '').split('?')
    const headers = new Map(Object.entries(seen?.headers ?? {}))
    const message = { method: 'GET', rawPath, rawQuery, headers }
    const parsed = parseSignature(message)
    expect(parsed?.accessKeyId).toBe(keys.accessKeyId)
    const options = { region, service: 's3', nowMs: startMs } as const
    const verify = (): unknown =>
      parsed && verifySignature(parsed, message, keys.secretAccessKey, options)
    expect(verify).not.toThrow()
  })

  it('a request keeps the headers about its object, and loses those about the caller and the connection', async () => {
    const { s3, upstream } = await openGateway()
    const headers = {
      range: 'bytes=0-4',
      'if-match': '"x"',
      'x-amz-checksum-mode': 'ENABLED',
      'x-amz-request-payer': 'requester',
      cookie: 'session=1',
      'x-forwarded-for': '10.0.0.1',
      'accept-encoding': 'gzip',
      'amz-sdk-invocation-id': '1',
      'user-agent': 'a client',
      'x-amz-user-agent': 'a client',
      'x-amz-api-version': '2006-03-01',
      'x-amz-te': 'append-md5',
    }
    await s3.send('GET', '/photos/a', { headers })

    const { host: _, ...seen } = upstream.seen[0]?.headers ?? {}
    expect(Object.keys(seen).toSorted()).toEqual([
      'authorization',
      'connection',
      'if-match',
      'range',
      'x-amz-checksum-mode',
      'x-amz-content-sha256',
      'x-amz-date',
      'x-amz-request-payer',
    ])
  })

  it('a presigned request is sent on without its own signature', async () => {
    const { s3, upstream } = await openGateway()
    const url = presignUrl(
      { method: 'GET', url: new URL('http://127.0.0.1:9000/photos/a') },
      root,
      {
        region,
        service: 's3',
        nowMs: startMs,
        expiresSeconds: 60,
      },
    )
    const answer = await s3.send('GET', `${url.pathname}${url.search}`, { isAnonymous: true })

    expect(answer.status).toBe(200)
    expect(upstream.seen[0]?.url).toBe('/photos/a')
  })

  it('the gateway puts the bucket in the host name if its upstream needs that', async () => {
    const upstream = await startUpstream()
    const url = new URL(upstream.url)
    url.hostname = 'localhost'
    const s3 = await openHarness({ upstream: { url, credentials: keys, style: 'virtual-host' } })
    onTestFinished(() => s3.close())

    await s3.send('GET', '/photos/a/b')
    await s3.send('GET', '/photos?list-type=2')

    const host = `photos.localhost:${url.port}`
    expect(upstream.seen.map((seen) => [seen.headers['host'], seen.url])).toEqual([
      [host, '/a/b'],
      [host, '/?list-type=2'],
    ])
  })
})

describe('required actions', () => {
  it.each<[string, string, Ask['headers'], string[]]>([
    ['GET', '/photos/a', {}, ['s3:GetObject']],
    ['GET', '/photos/a?versionId=v1', {}, ['s3:GetObjectVersion']],
    ['HEAD', '/photos/a?partNumber=2', {}, ['s3:GetObject']],
    ['DELETE', '/photos/a', {}, ['s3:DeleteObject']],
    ['DELETE', '/photos/a?versionId=v1', {}, ['s3:DeleteObjectVersion']],
    ['GET', '/photos/a?attributes', {}, ['s3:GetObject', 's3:GetObjectAttributes']],
    [
      'GET',
      '/photos/a?attributes&versionId=v1',
      {},
      ['s3:GetObjectVersion', 's3:GetObjectVersionAttributes'],
    ],
    ['GET', '/photos/a?tagging', {}, ['s3:GetObjectTagging']],
    ['PUT', '/photos/a?tagging&versionId=v1', {}, ['s3:PutObjectVersionTagging']],
    ['DELETE', '/photos/a?tagging', {}, ['s3:DeleteObjectTagging']],
    ['PUT', '/photos/a?acl', { 'x-amz-acl': 'public-read' }, ['s3:PutObjectAcl']],
    ['GET', '/photos/a?acl&versionId=v1', {}, ['s3:GetObjectVersionAcl']],
    ['PUT', '/photos/a?retention', {}, ['s3:PutObjectRetention']],
    [
      'PUT',
      '/photos/a?retention&versionId=v1',
      { 'x-amz-bypass-governance-retention': 'true' },
      ['s3:PutObjectRetention', 's3:BypassGovernanceRetention'],
    ],
    ['PUT', '/photos/a?legal-hold', {}, ['s3:PutObjectLegalHold']],
    ['POST', '/photos/a?restore', {}, ['s3:RestoreObject']],
    ['POST', '/photos/a?select&select-type=2', {}, ['s3:GetObject']],
    ['POST', '/photos/a?uploads', {}, ['s3:PutObject']],
    ['POST', '/photos/a?uploads', { 'x-amz-metadata-directive': 'REPLACE' }, ['s3:PutObject']],
    ['POST', '/photos/a?uploadId=u', {}, ['s3:PutObject']],
    ['PUT', '/photos/a?partNumber=1&uploadId=u', {}, ['s3:PutObject']],
    ['GET', '/photos/a?uploadId=u', {}, ['s3:ListMultipartUploadParts']],
    ['DELETE', '/photos/a?uploadId=u', {}, ['s3:AbortMultipartUpload']],
    ['PUT', '/photos/a', {}, ['s3:PutObject']],
    ['PUT', '/photos/a', { 'x-amz-acl': 'private' }, ['s3:PutObject']],
    ['PUT', '/photos/a', { 'x-amz-acl': 'public-read' }, ['s3:PutObject', 's3:PutObjectAcl']],
    ['PUT', '/photos/a', { 'x-amz-grant-read': 'id=1' }, ['s3:PutObject', 's3:PutObjectAcl']],
    ['PUT', '/photos/a', { 'x-amz-tagging': 'a=b' }, ['s3:PutObject', 's3:PutObjectTagging']],
    [
      'PUT',
      '/photos/a',
      { 'x-amz-object-lock-mode': 'GOVERNANCE', 'x-amz-object-lock-legal-hold': 'ON' },
      ['s3:PutObject', 's3:PutObjectLegalHold', 's3:PutObjectRetention'],
    ],
    [
      'PUT',
      '/photos/a',
      { 'x-amz-copy-source': '/other/b%20c' },
      ['s3:PutObject', 's3:GetObject on other/b c'],
    ],
    [
      'PUT',
      '/photos/a?partNumber=1&uploadId=u',
      { 'x-amz-copy-source': 'other/b?versionId=v1' },
      ['s3:PutObject', 's3:GetObjectVersion on other/b'],
    ],
    [
      'PUT',
      '/photos/a?x-amz-acl=public-read&x-amz-tagging=a%3Db',
      {},
      ['s3:PutObject', 's3:PutObjectAcl', 's3:PutObjectTagging'],
    ],
    [
      'PUT',
      '/photos/a?x-amz-copy-source=other%2Fb',
      {},
      ['s3:PutObject', 's3:GetObject on other/b'],
    ],
    ['GET', '/photos', {}, ['s3:ListBucket']],
    ['GET', '/photos?list-type=2&prefix=a', {}, ['s3:ListBucket']],
    ['GET', '/photos?versions', {}, ['s3:ListBucketVersions']],
    ['GET', '/photos?uploads', {}, ['s3:ListBucketMultipartUploads']],
    ['GET', '/photos?lifecycle', {}, ['s3:GetLifecycleConfiguration']],
    ['DELETE', '/photos?lifecycle', {}, ['s3:PutLifecycleConfiguration']],
    ['PUT', '/photos?versioning', {}, ['s3:PutBucketVersioning']],
    ['PUT', '/photos?object-lock', {}, ['s3:PutBucketObjectLockConfiguration']],
    ['PUT', '/photos?policy', {}, ['s3:PutBucketPolicy']],
    ['GET', '/photos?cors', {}, ['s3:GetBucketCors']],
    ['GET', '/photos?encryption', {}, ['s3:GetEncryptionConfiguration']],
    ['GET', '/photos?inventory&id=x', {}, ['s3:GetInventoryConfiguration']],
    ['PUT', '/photos', { 'x-amz-acl': 'public-read' }, ['s3:CreateBucket', 's3:PutBucketAcl']],
    [
      'PUT',
      '/photos',
      { 'x-amz-bucket-object-lock-enabled': 'true' },
      ['s3:CreateBucket', 's3:PutBucketObjectLockConfiguration', 's3:PutBucketVersioning'],
    ],
    ['DELETE', '/photos', {}, ['s3:DeleteBucket']],
  ])('%s %s %j needs each of the actions %j', async (method, target, headers = {}, actions) => {
    const { s3, upstream } = await openGateway()
    const say = ({ action, bucket, object }: Harness['asked'][number]): string => {
      return bucket === 'photos' ? action : `${action} on ${bucket}/${object}`
    }
    expect((await s3.send(method, target, { headers })).status).toBe(200)
    expect([...new Set(s3.asked.map(say))].toSorted()).toEqual(actions.toSorted())
    expect(upstream.seen).toHaveLength(1)

    for (const refused of actions) {
      s3.allow = (request) => say(request) !== refused
      expect((await s3.send(method, target, { headers })).status).toBe(403)
    }
    expect(upstream.seen).toHaveLength(1)
  })

  it('a copy sends on exactly the source that the policies allowed', async () => {
    const { s3, upstream } = await openGateway()
    const headers = { 'x-amz-copy-source': 'other/b%20c%2B?versionId=v%201' }
    await s3.send('PUT', '/photos/a', { headers })
    expect(upstream.seen[0]?.headers['x-amz-copy-source']).toBe('/other/b%20c%2B?versionId=v%201')

    const folded = { 'x-amz-copy-source': 'other/public/../secret' }
    expect(await s3.send('PUT', '/photos/a', { headers: folded })).toMatchObject({
      code: 'XMinioInvalidObjectName',
    })
    expect(upstream.seen).toHaveLength(1)
  })
})

describe('headers in the query of a presigned URL', () => {
  it('the policies and the upstream get the headers in a presigned query as headers', async () => {
    const { s3, upstream } = await openGateway()
    const query =
      'x-amz-meta-colour=blue&x-amz-acl=public-read&x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32'
    const { pathname, search } = presignUrl(
      { method: 'PUT', url: new URL(`http://127.0.0.1:9000/photos/a?${query}`) },
      root,
      { region, service: 's3', nowMs: startMs, expiresSeconds: 60 },
    )
    const upload = { body: 'x', isAnonymous: true }
    expect((await s3.send('PUT', `${pathname}${search}`, upload)).status).toBe(200)

    expect(s3.asked[0]?.conditions.get('X-Amz-Acl')).toEqual(['public-read'])
    const [seen] = upstream.seen
    expect(seen?.url).toBe('/photos/a')
    expect(seen?.headers).toMatchObject({ 'x-amz-meta-colour': 'blue', 'x-amz-acl': 'public-read' })
    // the signer did not have the body, so its checksum is of an empty one
    expect(seen?.headers['x-amz-checksum-crc32']).toBeUndefined()
    expect((await s3.send('PUT', '/photos/a?x-amz-acl=a%0D%0Ab')).code).toBe('InvalidArgument')
  })
})

describe('old bucket names', () => {
  it('the gateway passes on bucket names that today’s rules forbid', async () => {
    const { s3, upstream } = await openGateway()
    await s3.send('GET', '/My_Bucket.2009/a')
    expect(upstream.seen[0]?.url).toBe('/My_Bucket.2009/a')
  })
})

describe('the table of the gateway', () => {
  it('every action in the table of the gateway is one that a policy can name', () => {
    const actions = gatewayRoutes.flatMap((row) => [...row.actions, ...(row.versionActions ?? [])])
    expect(actions.filter((action) => !coversKnownAction(action))).toEqual([])
  })
})

describe('requests that no policy covers', () => {
  it.each<[string, string, Ask['headers'], string]>([
    ['GET', '/photos?acls', {}, 'NotImplemented'],
    ['GET', '/photos/a?ACL', {}, 'NotImplemented'],
    ['GET', '/photos/a?tagging&acl', {}, 'NotImplemented'],
    ['PUT', '/photos/a?renameObject', {}, 'NotImplemented'],
    ['PUT', '/photos/a?x-amz-rename-source=b', {}, 'NotImplemented'],
    ['GET', '/pho%2Ftos/a', {}, 'InvalidBucketName'],
    ['PUT', '/photos/a', { 'x-amz-copy-source': 'a%2F..%2Fb/c' }, 'InvalidBucketName'],
    ['POST', '/photos', {}, 'PreconditionFailed'],
    ['PUT', '/photos/a', { 'x-amz-rename-source': 'b' }, 'NotImplemented'],
    ['PATCH', '/photos/a', {}, 'MethodNotAllowed'],
    ['GET', '/photos?list-type=2&prefix=mine&prefix=yours', {}, 'InvalidArgument'],
    ['GET', '/photos?prefix=%ff', {}, 'InvalidArgument'],
    ['GET', '/photos/public/../secret', {}, 'XMinioInvalidObjectName'],
    ['GET', '/photos/public%2F..%2Fsecret', {}, 'XMinioInvalidObjectName'],
    ['GET', '/../photos', {}, 'InvalidBucketName'],
  ])('the gateway refuses %s %s %j with %s', async (method, target, headers = {}, code) => {
    const { s3, upstream } = await openGateway()
    expect((await s3.send(method, target, { headers })).code).toBe(code)
    expect(upstream.seen).toEqual([])
  })

  it('the gateway refuses copy headers on an operation that does not copy', async () => {
    const { s3, upstream } = await openGateway()
    const headers = { 'x-amz-copy-source': 'other/secret', 'x-amz-metadata-directive': 'REPLACE' }
    const answer = await s3.send('PUT', '/photos/a?acl', { headers })
    expect(answer.code).toBe('NotImplemented')
    expect(upstream.seen).toEqual([])
  })
})

describe('multi-delete', () => {
  it('multi-delete sends on only the allowed keys and adds the refusals to the answer', async () => {
    const { s3, upstream } = await openGateway()
    s3.allow = ({ object, action }) => object !== 'b' && action !== 's3:DeleteObjectVersion'
    upstream.answer = (_, response) => {
      response.end(
        '<DeleteResult><Deleted><Key>a</Key><DeleteMarker>true</DeleteMarker></Deleted><Error><Key>c</Key><Code>InternalError</Code><Message>m</Message></Error></DeleteResult>',
      )
    }
    const body =
      '<Delete><Object><Key>a</Key><ETag>e</ETag><Other>x</Other></Object><Object><Key>b</Key></Object><Object><Key>c</Key></Object><Object><Key>d</Key><VersionId>v</VersionId></Object></Delete>'
    const digest = Buffer.from(md5(body), 'hex').toString('base64')
    const answer = await s3.send('POST', '/photos?delete', {
      body,
      headers: { 'content-md5': digest },
    })

    const sent = upstream.seen[0]
    expect(sent?.body.toString()).toMatch(
      /<Delete xmlns="[^"]*"><Object><Key>a<\/Key><ETag>e<\/ETag><\/Object><Object><Key>c<\/Key><\/Object><\/Delete>$/,
    )
    expect(sent?.headers['content-md5']).not.toBe(digest)
    expect(answer.text).toContain('<Deleted><Key>a</Key><DeleteMarker>true</DeleteMarker>')
    expect(texts(answer.text, 'Key')).toEqual(['a', 'c', 'b', 'd'])
    expect(texts(answer.text, 'Code')).toEqual(['InternalError', 'AccessDenied', 'AccessDenied'])
  })
})

describe('the list of buckets', () => {
  it('a caller without s3:ListAllMyBuckets sees only the buckets that it may list', async () => {
    const { s3, upstream } = await openGateway()
    upstream.answer = (_, response) => {
      response.end(
        '<ListAllMyBucketsResult><Owner><ID>account</ID></Owner><Buckets><Bucket><Name>mine</Name><CreationDate>2026-01-01T00:00:00.000Z</CreationDate><BucketRegion>eu-west-1</BucketRegion></Bucket><Bucket><Name>yours</Name></Bucket></Buckets></ListAllMyBucketsResult>',
      )
    }
    expect(texts((await s3.send('GET', '/')).text, 'Name')).toEqual(['mine', 'yours'])

    s3.allow = ({ action, bucket }) => action === 's3:ListBucket' && bucket === 'mine'
    const { text } = await s3.send('GET', '/')
    expect(texts(text, 'Name')).toEqual(['mine'])
    expect(text).not.toContain('account')
    expect(text).not.toContain('eu-west-1')

    s3.allow = () => false
    expect((await s3.send('GET', '/')).code).toBe('AccessDenied')
  })
})
