import { describe, expect, it, onTestFinished } from 'vitest'
import { md5, openHarness, texts, type Harness } from '../../../support/server/s3-harness.ts'
import { ask, codeOf, type Asked, type Outcome } from '../../../support/server/recorded-pass.ts'
import {
  keys,
  startUpstream,
  type ScriptedUpstream,
} from '../../../support/server/scripted-upstream.ts'

const list =
  '<ListAllMyBucketsResult><Buckets><Bucket><Name>mine</Name></Bucket></Buckets></ListAllMyBucketsResult>'

async function openGateway(): Promise<{ s3: Harness; upstream: ScriptedUpstream }> {
  const upstream = await startUpstream()
  const s3 = await openHarness({ upstream: { url: upstream.url, credentials: keys } })
  onTestFinished(() => s3.close())
  return { s3, upstream }
}

describe('the list of buckets', () => {
  it('the gateway does not ask for the list of buckets if the caller may list no bucket', async () => {
    const outcome = await ask('GET', '/', { isAllowed: () => false, couldAllow: () => false })
    expect(outcome.reply.status).toBe(403)
    expect(outcome.sent).toEqual([])
  })

  it('the gateway asks for the list of buckets with nothing from the caller but the page parameters', async () => {
    const headers = { range: 'bytes=1-2', 'if-none-match': '"x"', 'x-amz-acl': 'public-read' }
    const outcome = await ask('GET', '/?max-buckets=5&x-id=ListBuckets', {
      headers,
      isAllowed: () => false,
      couldAllow: (action) => action === 's3:ListBucket',
    })
    expect(outcome.reply.status).toBe(403)
    expect(outcome.sent).toHaveLength(1)
    expect(outcome.sent[0]).toMatchObject({ method: 'GET', path: '/?max-buckets=5' })
    expect(Object.keys(outcome.sent[0]?.headers ?? {}).toSorted()).toEqual([
      'authorization',
      'host',
      'x-amz-content-sha256',
      'x-amz-date',
    ])
  })

  it.each([
    ['//bkt1/a', '127.0.0.1:9000'],
    ['//', '127.0.0.1:9000'],
    ['/bkt1/a', '.localhost'],
    ['/', '.localhost'],
  ])('%j at the host %j is refused and never sent as a list of buckets', async (target, host) => {
    for (const headers of [{}, { range: 'bytes=99999-' }, { 'if-match': '"guess"' }]) {
      const outcome = await ask('GET', target, { host, headers })
      expect(outcome.reply.status).toBe(400)
      expect(outcome.sent).toEqual([])
      expect(outcome.allowed).toEqual([])
    }
  })

  it('GET / returns the list of buckets from the upstream', async () => {
    const { s3, upstream } = await openGateway()
    upstream.answer = (_, response) => response.end(list)
    expect(texts((await s3.send('GET', '/')).text, 'Name')).toEqual(['mine'])
    expect(upstream.seen.map(({ url }) => url)).toEqual(['/'])
  })
})

describe('buckets in the host name of the upstream', () => {
  it.each(['BKT1', 'b_kt', 'b.kt', 'a..b', 'bkt-', 'x'.repeat(64)])(
    'the bucket name %s is refused if the upstream gets it in its host name',
    async (name) => {
      for (const [method, target, headers] of [
        ['GET', `/${name}/a`, {}],
        ['PUT', `/${name}`, {}],
        ['GET', `/${name}?list-type=2`, {}],
        ['PUT', '/bkt1/a', { 'x-amz-copy-source': `${name}/a` }],
      ] as const) {
        const outcome = await ask(method, target, { style: 'virtual-host', headers })
        expect(codeOf(outcome)).toBe('InvalidBucketName')
        expect(outcome.sent).toEqual([])
      }
    },
  )

  it('an upstream that ignores the bucket in its host name, and lists buckets instead, is refused at start', async () => {
    const upstream = await startUpstream()
    upstream.answer = (_, response) => response.end(list)
    const url = new URL(upstream.url)
    url.hostname = 'localhost'
    const opening = openHarness({ upstream: { url, credentials: keys, style: 'virtual-host' } })
    await expect(opening).rejects.toMatchObject({ code: 'ERR_CONFIG' })
  })
})

describe('names that S3 servers reserve', () => {
  it.each(['minio', 'MinIO', '%6Dinio', 'photos-s3alias', 'photos--ol-s3', 'photos.mrap'])(
    'the reserved name %s is refused as a bucket',
    async (name) => {
      const outcome = await ask('GET', `/${name}/admin/v3/info`)
      expect(codeOf(outcome)).toBe('InvalidBucketName')
      expect(outcome.sent).toEqual([])
    },
  )
})

describe('versions', () => {
  it.each(['', '%20', '%20v'])('the blank version ID %j is refused', async (version) => {
    const copy = { 'x-amz-copy-source': `other/b?versionId=${version}` }
    for (const outcome of [
      await ask('GET', `/photos/a?versionId=${version}`),
      await ask('PUT', '/photos/a', { headers: copy }),
    ]) {
      expect(codeOf(outcome)).toBe('InvalidArgument')
      expect(outcome.sent).toEqual([])
    }
  })
})

describe('keys with empty segments', () => {
  it('a key with empty segments also needs permission for the key that a file system makes of it', async () => {
    const isAllowed: Asked['isAllowed'] = ({ object }) => object !== 'a/secret'
    for (const [method, target, headers] of [
      ['GET', '/photos/a//secret', {}],
      ['PUT', '/photos/b', { 'x-amz-copy-source': 'photos/a///secret' }],
      ['PUT', '/photos/a//secret', {}],
    ] as const) {
      const outcome = await ask(method, target, { headers, isAllowed })
      expect(codeOf(outcome)).toBe('AccessDenied')
      expect(outcome.sent).toEqual([])
    }
    expect((await ask('GET', '/photos/a//other', { isAllowed })).sent).toHaveLength(1)
  })
})

describe('request bodies', () => {
  it.each([
    ['PUT', '/photos', 's3:PutBucketAcl', '<CreateBucketConfiguration/>'],
    ['POST', '/photos/a?uploadId=u', 's3:PutObjectAcl', '<CompleteMultipartUpload/>'],
    ['PUT', '/photos/a?tagging', 's3:PutObjectAcl', '<Tagging/>'],
    ['POST', '/photos/a?restore', 's3:PutObjectAcl', '<RestoreRequest/>'],
  ])('a body of %s %s is not read before %s is allowed', async (method, target, action, body) => {
    const headers = { 'x-amz-acl': 'public-read' }
    const refused = await ask(method, target, {
      headers,
      body,
      isAllowed: (question) => question.action !== action,
    })
    expect(codeOf(refused)).toBe('AccessDenied')
    expect(refused.wasReadEarly).toBe(false)
    expect(refused.sent).toEqual([])
    const passed = await ask(method, target, { headers, body })
    expect(passed.wasReadEarly).toBe(false)
    expect(passed.sent).toHaveLength(1)
  })

  it('the body of CreateBucket is rewritten and contains only the region', async () => {
    const named = (inner: string): string =>
      `<CreateBucketConfiguration>${inner}</CreateBucketConfiguration>`
    const region = '<LocationConstraint>eu-west-1</LocationConstraint>'
    const { sent } = await ask('PUT', '/photos', { body: named(` ${region}<!-- x -->`) })
    expect(String(sent[0]?.body)).toContain(`>${region}</CreateBucketConfiguration>`)
    expect(sent[0]?.headers['content-md5']).toBeUndefined()
    for (const [body, code] of [
      [named(`${region}<Tags><Tag/></Tags>`), 'NotImplemented'],
      [named('<Bucket><Type>Directory</Type></Bucket>'), 'NotImplemented'],
      [named(`${region}${region}`), 'MalformedXML'],
      ['<Other/>', 'MalformedXML'],
    ] as const) {
      const outcome = await ask('PUT', '/photos', { body })
      expect(codeOf(outcome)).toBe(code)
      expect(outcome.sent).toEqual([])
    }
  })

  it('RestoreObject cannot write to another key', async () => {
    const plain = '<Days>2</Days><GlacierJobParameters><Tier>Bulk</Tier></GlacierJobParameters>'
    const restore = (inner: string): Promise<Outcome> =>
      ask('POST', '/photos/a?restore', { body: `<RestoreRequest>${inner}</RestoreRequest>` })
    expect(String((await restore(plain)).sent[0]?.body)).toContain(`>${plain}</RestoreRequest>`)
    for (const more of [
      '<Type>SELECT</Type>',
      '<OutputLocation><S3><BucketName>other</BucketName></S3></OutputLocation>',
      '<SelectParameters/>',
    ]) {
      const outcome = await restore(plain + more)
      expect(codeOf(outcome)).toBe('NotImplemented')
      expect(outcome.sent).toEqual([])
    }
  })
})

describe('settings that let the upstream write to a bucket', () => {
  const logging =
    '<BucketLoggingStatus><LoggingEnabled><TargetBucket>other</TargetBucket><TargetPrefix>logs/</TargetPrefix></LoggingEnabled></BucketLoggingStatus>'
  const arn = '<Bucket>arn:aws:s3:::other</Bucket>'

  it.each([
    ['logging', logging, 'logs/*'],
    [
      'replication',
      `<ReplicationConfiguration><Rule><Destination>${arn}</Destination></Rule></ReplicationConfiguration>`,
      '*',
    ],
    [
      'inventory&id=x',
      `<InventoryConfiguration><Destination><S3BucketDestination>${arn}</S3BucketDestination></Destination></InventoryConfiguration>`,
      '*',
    ],
    [
      'analytics&id=x',
      `<AnalyticsConfiguration><a><b><c><S3BucketDestination>${arn}</S3BucketDestination></c></b></a></AnalyticsConfiguration>`,
      '*',
    ],
  ])('PUT ?%s needs permission to write to its target bucket', async (query, body, key) => {
    const target = `/photos?${query}`
    const passed = await ask('PUT', target, { body })
    expect(passed.allowed).toContainEqual({ action: 's3:PutObject', bucket: 'other', key })
    expect(String(passed.sent[0]?.body)).toBe(body)
    const refused = await ask('PUT', target, {
      body,
      isAllowed: ({ bucket }) => bucket !== 'other',
    })
    expect(codeOf(refused)).toBe('AccessDenied')
    expect(refused.sent).toEqual([])
  })

  it('turning off logging needs no permission for a target bucket', async () => {
    const { sent, allowed } = await ask('PUT', '/photos?logging', {
      body: '<BucketLoggingStatus/>',
    })
    expect(sent).toHaveLength(1)
    expect(allowed.map(({ action }) => action)).toEqual(['s3:PutBucketLogging'])
  })
})

describe('keys to delete', () => {
  const remove = (objects: string, isAllowed: Asked['isAllowed'] = () => true): Promise<Outcome> =>
    ask('POST', '/photos?delete', { body: `<Delete>${objects}</Delete>`, isAllowed })

  it('multi-delete refuses an object with two keys or two versions', async () => {
    for (const twice of [
      '<Key>mine</Key><Key>yours</Key>',
      '<Key>mine</Key><VersionId>1</VersionId><VersionId>2</VersionId>',
      '<Key>mine</Key><x:Key>yours</x:Key>',
    ]) {
      const outcome = await remove(`<Object>${twice}</Object>`)
      expect(codeOf(outcome)).toBe('MalformedXML')
      expect(outcome.sent).toEqual([])
    }
  })

  it('multi-delete sends the white space of a key as character references, so that every XML parser keeps it', async () => {
    const { sent } = await remove(
      '<Object><Key>  a b\t\n&#13;&amp; </Key></Object><Object><Key>c</Key></Object>',
    )
    expect(String(sent[0]?.body)).toContain(
      '<Object><Key>&#32;&#32;a b&#9;&#10;&#13;&amp;&#32;</Key></Object><Object><Key>c</Key></Object>',
    )
  })

  it('multi-delete treats an empty version ID as none', async () => {
    const { sent, allowed } = await remove('<Object><Key>a</Key><VersionId></VersionId></Object>')
    expect(allowed.map(({ action }) => action)).toEqual(['s3:DeleteObject'])
    expect(String(sent[0]?.body)).toContain('<Object><Key>a</Key></Object>')
  })

  it.each(['\u0001ctrl', 'a\u001F', 'a\uFFFE', '\uFFFFa', '\u0000'])(
    'multi-delete never reports the key %j, which XML cannot contain, as deleted',
    async (key) => {
      const { s3, upstream } = await openGateway()
      const body = `<Delete><Object><Key>${key}</Key></Object><Object><Key>b</Key></Object></Delete>`
      upstream.answer = (_, response) => {
        response.end('<DeleteResult><Deleted><Key>b</Key></Deleted></DeleteResult>')
      }
      const digest = Buffer.from(md5(body), 'hex').toString('base64')
      const headers = { 'content-md5': digest }
      const answer = await s3.send('POST', '/photos?delete', { body, headers })
      expect(answer.text).not.toMatch(/<Deleted><Key>[^b]/)
      expect(answer.code).toMatch(/^(MalformedXML|InvalidArgument|XMinioInvalidObjectName)$/)
      for (const { body: sent } of upstream.seen) {
        expect(sent.toString()).toContain('><Object><Key>b</Key></Object></Delete>')
      }
    },
  )
})
