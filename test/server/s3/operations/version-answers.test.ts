/** What answers say about versions. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import {
  openHarness,
  texts,
  type Answer,
  type Harness,
} from '../../../support/server/s3-harness.ts'

let s3: Harness

beforeEach(async () => {
  s3 = await openHarness()
  await s3.send('PUT', '/photos')
})
afterEach(() => s3.close())

function setVersioning(status: string): Promise<Answer> {
  const body = `<VersioningConfiguration><Status>${status}</Status></VersioningConfiguration>`
  return s3.send('PUT', '/photos?versioning', { body })
}

/** Writes an object in each way. */
async function writeAll(): Promise<Answer[]> {
  const put = await s3.send('PUT', '/photos/put', { body: 'x' })
  const headers = { 'x-amz-copy-source': '/photos/put' }
  const copy = await s3.send('PUT', '/photos/copy', { headers })
  const begun = await s3.send('POST', '/photos/joined?uploads')
  const at = `/photos/joined?uploadId=${texts(begun.text, 'UploadId')[0]}`
  const part = await s3.send('PUT', `${at}&partNumber=1`, { body: 'x' })
  const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${part.headers['etag']}</ETag></Part></CompleteMultipartUpload>`
  return [put, copy, await s3.send('POST', at, { body })]
}

const version = ({ headers }: Answer): string | undefined => headers['x-amz-version-id']

it('a write names the version that it made, and none while versioning is suspended', async () => {
  expect((await writeAll()).map(version)).toEqual([undefined, undefined, undefined])
  await setVersioning('Suspended')
  const suspended = await writeAll()
  expect(suspended.map(({ status }) => status)).toEqual([200, 200, 200])
  expect(suspended.map(version)).toEqual([undefined, undefined, undefined])
  expect(version(await s3.send('HEAD', '/photos/put'))).toBe('null')
  await setVersioning('Enabled')
  const name = expect.stringMatching(/^[0-9a-f]{32}$/)
  expect((await writeAll()).map(version)).toEqual([name, name, name])
})

it('an unknown version is NoSuchVersion in the form of any server, and another text is InvalidArgument', async () => {
  await setVersioning('Enabled')
  await s3.send('PUT', '/photos/put', { body: 'x' })
  const uuid = '6f1b5a0e-2c34-4d5e-8f90-1a2b3c4d5e6f'
  for (const unknown of ['01BX5ZZKBKACTAV9WEVGEMMVRZ', uuid, '0'.repeat(32)]) {
    const answer = await s3.send('GET', `/photos/put?versionId=${unknown}`)
    expect(answer).toMatchObject({ status: 404, code: 'NoSuchVersion' })
  }
  for (const wrong of ['invalid_versionId', '']) {
    const answer = await s3.send('GET', `/photos/put?versionId=${wrong}`)
    expect(answer).toMatchObject({ status: 400, code: 'InvalidArgument' })
  }
})
