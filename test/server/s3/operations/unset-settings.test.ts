/** What nobody set: the server knows that, and says it as AWS does. */
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { gatewayRoutes } from '../../../../src/server/s3/gateway/gateway-routes.ts'
import { unsetSettings } from '../../../../src/server/s3/operations/unset-settings.ts'
import { coversKnownAction } from '../../../../src/server/policy/known-actions.ts'
import { storeRoutes } from '../../../../src/server/s3/store/store-routes.ts'
import { openHarness, texts, type Harness } from '../../../support/server/s3-harness.ts'

let s3: Harness

beforeEach(async () => {
  s3 = await openHarness()
  await s3.send('PUT', '/photos')
  s3.asked.length = 0
})
afterEach(() => s3.close())

const namespace = ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'

describe('settings that nobody set', () => {
  it.each([
    ['policy', 'NoSuchBucketPolicy', 'The bucket policy does not exist'],
    ['policyStatus', 'NoSuchBucketPolicy', 'The bucket policy does not exist'],
    ['tagging', 'NoSuchTagSet', 'The TagSet does not exist'],
    ['cors', 'NoSuchCORSConfiguration', 'The CORS configuration does not exist'],
    ['lifecycle', 'NoSuchLifecycleConfiguration', 'The lifecycle configuration does not exist'],
    [
      'encryption',
      'ServerSideEncryptionConfigurationNotFoundError',
      'The server side encryption configuration was not found',
    ],
    [
      'object-lock',
      'ObjectLockConfigurationNotFoundError',
      'Object Lock configuration does not exist for this bucket',
    ],
    [
      'website',
      'NoSuchWebsiteConfiguration',
      'The specified bucket does not have a website configuration',
    ],
    [
      'replication',
      'ReplicationConfigurationNotFoundError',
      'The replication configuration was not found',
    ],
    [
      'publicAccessBlock',
      'NoSuchPublicAccessBlockConfiguration',
      'The public access block configuration was not found',
    ],
    [
      'ownershipControls',
      'OwnershipControlsNotFoundError',
      'The bucket ownership controls were not found',
    ],
  ])('GET ?%s is 404 %s', async (query, code, message) => {
    const answer = await s3.send('GET', `/photos?${query}`)
    expect(answer).toMatchObject({ status: 404, code })
    expect(answer.text).toContain(`<Message>${message}</Message>`)
  })

  it.each([
    ['notification', `<NotificationConfiguration${namespace}></NotificationConfiguration>`],
    ['logging', `<BucketLoggingStatus${namespace}></BucketLoggingStatus>`],
    ['accelerate', `<AccelerateConfiguration${namespace}></AccelerateConfiguration>`],
    [
      'requestPayment',
      `<RequestPaymentConfiguration${namespace}><Payer>BucketOwner</Payer></RequestPaymentConfiguration>`,
    ],
  ])('GET ?%s is 200 with the document of nothing set', async (query, document) => {
    const answer = await s3.send('GET', `/photos?${query}`)
    expect(answer.status).toBe(200)
    expect(answer.text).toContain(document)
  })

  it.each([
    ['analytics', 'ListBucketAnalyticsConfigurationResult'],
    ['intelligent-tiering', 'ListBucketIntelligentTieringConfigurationsOutput'],
    ['inventory', 'ListInventoryConfigurationsResult'],
    ['metrics', 'ListMetricsConfigurationsResult'],
  ])('there are no configurations of ?%s, and none with an id', async (query, root) => {
    const all = await s3.send('GET', `/photos?${query}`)
    expect(all.status).toBe(200)
    expect(all.text).toContain(`<${root}${namespace}><IsTruncated>false</IsTruncated></${root}>`)
    for (const method of ['GET', 'DELETE'])
      expect(await s3.send(method, `/photos?${query}&id=a`)).toMatchObject({
        status: 404,
        code: 'NoSuchConfiguration',
      })
    const put = await s3.send('PUT', `/photos?${query}&id=a`, { body: '<A/>' })
    expect(put.code).toBe('NotImplemented')
  })

  it.each(
    'policy tagging cors lifecycle encryption website replication publicAccessBlock ownershipControls'.split(
      ' ',
    ),
  )('DELETE ?%s of what is not set is 204, and the bucket stays', async (query) => {
    expect((await s3.send('DELETE', `/photos?${query}`)).status).toBe(204)
    expect((await s3.send('HEAD', '/photos')).status).toBe(200)
  })

  it.each([
    ['notification', '<NotificationConfiguration/>'],
    ['logging', `<BucketLoggingStatus${namespace}></BucketLoggingStatus>`],
    [
      'requestPayment',
      '<RequestPaymentConfiguration><Payer>BucketOwner</Payer></RequestPaymentConfiguration>',
    ],
  ])('PUT ?%s of exactly that is 200, and of anything else is refused', async (query, unset) => {
    const put = (body: string) => s3.send('PUT', `/photos?${query}`, { body })
    expect((await put(unset)).status).toBe(200)
    const root = /<(\w+)/.exec(unset)?.[1] ?? ''
    const others = ['<A>b</A>', '<Payer>Requester</Payer>', `<Payer>BucketOwner</Payer><A/>`]
    for (const other of others)
      expect(await put(`<${root}>${other}</${root}>`)).toMatchObject({ code: 'NotImplemented' })
    for (const wrong of ['', 'x', '<Other/>'])
      expect(await put(wrong)).toMatchObject({ status: 400, code: 'MalformedXML' })
  })

  it.each('website replication accelerate'.split(' '))(
    'PUT ?%s is refused by name: a 200 would say that it was done',
    async (query) => {
      const answer = await s3.send('PUT', `/photos?${query}`, { body: '<A/>' })
      expect(answer).toMatchObject({ status: 501, code: 'NotImplemented' })
      expect(answer.text).toContain(`?${query}`)
    },
  )

  it.each(unsetSettings.map(({ method, query, operation }) => [method, query, operation] as const))(
    '%s ?%s asks for its action before it says whether there is such a bucket',
    async (method, query, { name, action }) => {
      const target = `/nothing-here?${query}`
      const answer = await s3.send(method, target)
      expect(answer).toMatchObject({ status: 404, code: 'NoSuchBucket' })
      expect(answer.facts.operation).toBe(name)
      expect(s3.asked.map((question) => question.action)).toEqual([action])
      expect(coversKnownAction(action ?? '')).toBe(true)
      s3.allow = () => false
      expect(await s3.send(method, target)).toMatchObject({ status: 403, code: 'AccessDenied' })
    },
  )

  it('the gateway asks for the same actions by the same names', () => {
    const missing = storeRoutes
      .filter(({ level, required }) => level === 'bucket' && required.length === 1)
      .filter(({ method, required: [query = ''], operation }) => {
        const row = gatewayRoutes.find((each) => {
          return each.level === 'bucket' && each.method === method && each.required?.[0] === query
        })
        const actions = operation.action === undefined ? [] : [operation.action]
        return row?.name !== operation.name || row.actions.join() !== actions.join()
      })
    expect(missing.map(({ operation }) => operation.name)).toEqual([])
  })

  it.each([
    ['retention', 's3:GetObjectRetention'],
    ['legal-hold', 's3:GetObjectLegalHold'],
  ])(
    'GET ?%s of an object is refused, as in a bucket of AWS without object lock',
    async (query, action) => {
      await s3.send('PUT', '/photos/a', { body: 'x' })
      s3.asked.length = 0
      const answer = await s3.send('GET', `/photos/a?${query}`)
      expect(answer).toMatchObject({ status: 400, code: 'InvalidRequest' })
      expect(answer.text).toContain('Bucket is missing Object Lock Configuration')
      expect(s3.asked.map((question) => question.action)).toEqual([action])
      expect((await s3.send('GET', `/nothing-here/a?${query}`)).code).toBe('NoSuchBucket')
    },
  )
})

describe('versions of objects in a bucket without versioning', () => {
  async function list(query: string): Promise<{ names: string[]; xml: string }> {
    const { status, text } = await s3.send('GET', `/photos?versions&${query}`)
    expect(status).toBe(200)
    return { names: [...texts(text, 'Key'), ...texts(text, 'Prefix').slice(1)], xml: text }
  }

  it('each object is its latest version, null', async () => {
    await s3.send('PUT', '/photos/a%20b', { body: 'x' })
    s3.asked.length = 0
    const { xml } = await list('')
    expect(s3.asked.map(({ action }) => action)).toEqual(['s3:ListBucketVersions'])
    expect(texts(xml, 'Key')).toEqual(['a b'])
    expect(texts(xml, 'VersionId')).toEqual(['null'])
    expect(texts(xml, 'IsLatest')).toEqual(['true'])
    expect(texts(xml, 'Size')).toEqual(['1'])
    expect(texts(xml, 'IsTruncated')).toEqual(['false'])
    expect(xml).not.toContain('NextKeyMarker')
    expect(texts((await list('encoding-type=url')).xml, 'Key')).toEqual(['a%20b'])
  })

  it('the pages together are what one page is, whatever the keys, the delimiter and the page size are', async () => {
    const anyKey = fc.stringMatching(/^[ab]{1,2}(\/[ab]{1,2}){0,2}$/)
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(anyKey, { minLength: 1, maxLength: 8 }),
        fc.constantFrom('', '/'),
        fc.integer({ min: 1, max: 3 }),
        async (keys, delimiter, limit) => {
          await s3.send('PUT', '/photos')
          // a key cannot be a file and a folder in the plain tree, and the store takes both
          for (const key of keys) await s3.send('PUT', `/photos/${key}`, { body: 'x' })
          const whole = await list(`delimiter=${delimiter}`)
          const pages: string[] = []
          let query = ''
          for (;;) {
            const { xml } = await list(`delimiter=${delimiter}&max-keys=${limit}${query}`)
            const prefixes = [...xml.matchAll(/<CommonPrefixes><Prefix>([^<]*)/g)]
            pages.push(...texts(xml, 'Key'), ...prefixes.map((match) => match[1] ?? ''))
            const [next] = texts(xml, 'NextKeyMarker')
            if (next === undefined) break
            const [version] = texts(xml, 'NextVersionIdMarker')
            query = `&key-marker=${next}${version === undefined ? '' : `&version-id-marker=${version}`}`
          }
          expect(pages.toSorted()).toEqual(whole.names.toSorted())
          for (const key of keys) await s3.send('DELETE', `/photos/${key}`)
        },
      ),
      { numRuns: 25 },
    )
  })

  it.each([
    ['version-id-marker=null', 'A version-id marker cannot be specified without a key marker.'],
    ['key-marker=a&version-id-marker=abc', 'Invalid version id specified'],
  ])('a page that begins at %s is refused', async (query, message) => {
    const answer = await s3.send('GET', `/photos?versions&${query}`)
    expect(answer).toMatchObject({ status: 400, code: 'InvalidArgument' })
    expect(answer.text).toContain(message)
  })

  it('a bucket that does not exist has no versions', async () => {
    expect((await s3.send('GET', '/nothing-here?versions')).code).toBe('NoSuchBucket')
  })
})
