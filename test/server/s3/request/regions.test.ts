import { afterEach, describe, expect, it } from 'vitest'
import { signRequest } from '../../../../src/protocol/sigv4/sign.ts'
import {
  openHarness,
  root,
  startMs,
  texts,
  type Harness,
} from '../../../support/server/s3-harness.ts'

let s3: Harness
afterEach(() => s3.close())

function locate(region: string): string {
  return `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>${region}</LocationConstraint></CreateBucketConfiguration>`
}

async function readLocation(bucket: string): Promise<string> {
  const { text } = await s3.send('GET', `/${bucket}?location`)
  return /<LocationConstraint xmlns="[^"]*">([^<]*)<\/LocationConstraint>/.exec(text)?.[1] ?? text
}

for (const backend of ['store', 'gateway'] as const) {
  describe(`a ${backend} without a region`, () => {
    const open = async (): Promise<void> => {
      s3 = await openHarness({ backend, region: '' })
    }

    it.each(['', 'us-east-1', 'US', 'eu-west-1', 'garage', 'A_b.c'])(
      'accepts a request that is signed for the region "%s"',
      async (region) => {
        await open()
        expect((await s3.send('PUT', '/photos', { region })).status).toBe(200)
        const put = await s3.send('PUT', '/photos/a', { region, body: 'x' })
        expect(put.status).toBe(200)
        expect((await s3.send('GET', '/photos/a', { region })).text).toBe('x')
        expect((await s3.send('GET', '/', { region })).status).toBe(200)
      },
    )

    it('answers the location that a bucket was created with, until it is deleted', async () => {
      await open()
      await s3.send('PUT', '/photos', { body: locate('eu-central-1') })
      await s3.send('PUT', '/other')
      expect(await readLocation('photos')).toBe('eu-central-1')
      expect(await readLocation('other')).toBe('')
      const head = await s3.send('HEAD', '/photos')
      expect(head.headers['x-amz-bucket-region']).toBe('eu-central-1')
      const listed = await s3.send('GET', '/?max-buckets=5')
      expect(texts(listed.text, 'BucketRegion')).toEqual(['us-east-1', 'eu-central-1'])
      await s3.send('DELETE', '/photos')
      await s3.send('PUT', '/photos')
      expect(await readLocation('photos')).toBe('')
    })
  })
}

describe('a server without a region', () => {
  it('answers EU as it was asked for, and names its region', async () => {
    s3 = await openHarness({ region: '' })
    await s3.send('PUT', '/photos', { body: locate('EU') })
    expect(await readLocation('photos')).toBe('EU')
    const head = await s3.send('HEAD', '/photos')
    expect(head.headers['x-amz-bucket-region']).toBe('eu-west-1')
  })

  it.each(['us-east-1', 'US', ' '])('answers the location "%s" as an empty text', async (text) => {
    s3 = await openHarness({ region: '' })
    expect((await s3.send('PUT', '/photos', { body: locate(text) })).status).toBe(200)
    expect(await readLocation('photos')).toBe('')
  })

  it.each(['a b', '../x', 'x'.repeat(65), 'eu&amp;1'])(
    'refuses the location "%s", which cannot be a region',
    async (text) => {
      s3 = await openHarness({ region: '' })
      expect(await s3.send('PUT', '/photos', { body: locate(text) })).toMatchObject({
        status: 400,
        code: 'InvalidLocationConstraint',
      })
      expect((await s3.send('HEAD', '/photos')).status).toBe(404)
    },
  )

  it('a bucket that exists keeps its location when it is created again', async () => {
    s3 = await openHarness({ region: '' })
    await s3.send('PUT', '/photos', { body: locate('eu-west-1') })
    expect((await s3.send('PUT', '/photos', { body: locate('eu-west-2') })).status).toBe(409)
    expect(await readLocation('photos')).toBe('eu-west-1')
  })

  it('still checks the date, the service and the end of the credential scope', async () => {
    s3 = await openHarness({ region: '' })
    const url = new URL('http://127.0.0.1:9000/')
    const signed = signRequest({ method: 'GET', url, headers: {}, payloadHash: '' }, root, {
      region: 'eu-west-1',
      service: 's3',
      nowMs: startMs,
    })
    const scope = '20261123/eu-west-1/s3/aws4_request'
    expect(signed['authorization']).toContain(scope)
    for (const other of [
      '20261122/eu-west-1/s3/aws4_request',
      '20261123/eu-west-1/sts/aws4_request',
      '20261123/eu-west-1/s3/aws5_request',
    ]) {
      const tamper = (headers: Record<string, string>): void => {
        headers['authorization'] = (signed['authorization'] ?? '').replace(scope, other)
      }
      expect((await s3.send('GET', '/', { tamper })).status).toBe(400)
    }
    const tamper = (headers: Record<string, string>): void => {
      headers['authorization'] = (headers['authorization'] ?? '').replace('us-east-1', 'eu-west-1')
    }
    expect(await s3.send('GET', '/', { tamper })).toMatchObject({ code: 'SignatureDoesNotMatch' })
  })
})

describe('a server with a region', () => {
  it('names its region in the document and a header to a request for another', async () => {
    s3 = await openHarness({ region: 'eu-west-1' })
    for (const region of ['us-east-1', '']) {
      const refused = await s3.send('HEAD', '/photos', { region })
      expect(refused).toMatchObject({ status: 400 })
      expect(refused.headers['x-amz-bucket-region']).toBe('eu-west-1')
      const { code, text } = await s3.send('GET', '/photos', { region })
      expect(code).toBe('AuthorizationHeaderMalformed')
      expect(texts(text, 'Region')).toEqual(['eu-west-1'])
    }
  })

  it('lists buckets and answers locations for any region', async () => {
    s3 = await openHarness({ region: 'eu-west-1', domains: ['s3.example.test'] })
    await s3.send('PUT', '/photos', { region: 'eu-west-1' })
    for (const region of ['us-east-1', '', 'eu-west-1']) {
      expect((await s3.send('GET', '/', { region })).status).toBe(200)
      const { text } = await s3.send('GET', '/photos?location', { region })
      expect(text).toContain('>eu-west-1<')
      const headers = { host: 'photos.s3.example.test' }
      const byHost = await s3.send('GET', '/?location', { region, headers })
      expect(byHost.text).toContain('>eu-west-1<')
    }
    for (const target of ['/photos', '/photos/a?location', '/photos?uploads'])
      expect((await s3.send('GET', target, { region: '' })).status).toBe(400)
  })

  it('creates buckets only in its region', async () => {
    s3 = await openHarness({ region: 'eu-west-1' })
    const create = (name: string): ReturnType<Harness['send']> =>
      s3.send('PUT', '/photos', { region: 'eu-west-1', body: locate(name) })
    expect(await create('eu-west-2')).toMatchObject({ code: 'InvalidLocationConstraint' })
    expect((await create('eu-west-1')).status).toBe(200)
  })
})
