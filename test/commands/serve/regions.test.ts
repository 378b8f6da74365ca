import { expect, it, onTestFinished } from 'vitest'
import { optionsOf } from '../../../src/commands/options/option-table.ts'
import { parseArgv } from '../../../src/commands/options/parse-argv.ts'
import { createSettings } from '../../../src/commands/options/settings.ts'
import { readServerOptions } from '../../../src/commands/serve/server-options.ts'
import { sha256Hex } from '../../../src/protocol/digest.ts'
import { signChunk } from '../../../src/protocol/sigv4/chunk-signature.ts'
import { presignUrl, signRequest } from '../../../src/protocol/sigv4/sign.ts'
import { deriveSigningKey } from '../../../src/protocol/sigv4/signing-key.ts'
import { createServer, type RunningServer } from '../../../src/server/create-server.ts'
import type { ServerOptions } from '../../../src/server/options/server-options.ts'
import { createIo } from '../../support/commands/harness.ts'
import { makeFields } from '../../support/server/upload-forms.ts'
import { nowMs } from '../../support/tokens.ts'

const root = { accessKeyId: 'root-user', secretAccessKey: 'a-root-secret-of-some-length-000' }
const rootVariables = {
  MINIO_ROOT_USER: root.accessKeyId,
  MINIO_ROOT_PASSWORD: root.secretAccessKey,
}

function readOptions(argv: readonly string[], env: Record<string, string> = {}): ServerOptions {
  const words = ['--address', '127.0.0.1:0', '--log-level', 'silent', '--no-idp', ...argv]
  const parsed = parseArgv(words, optionsOf('serve'), { isStoppingAtOperand: false })
  const io = { ...createIo({ env: { ...rootVariables, ...env } }), nowMs: () => nowMs }
  return readServerOptions(createSettings(parsed, io), io)
}

async function open(argv: readonly string[]): Promise<RunningServer> {
  const server = await createServer(readOptions(['--bucket', 'photos', ...argv]))
  onTestFinished(() => server.stop())
  return server
}

it('serve takes any region unless a flag or a variable names one', () => {
  expect(readOptions([]).region).toBe('')
  expect(readOptions(['--region', '']).region).toBe('')
  expect(readOptions(['--region', ''], { MINIO_SITE_REGION: 'eu-west-1' }).region).toBe('')
  expect(readOptions(['--region', 'eu-west-1']).region).toBe('eu-west-1')
  expect(readOptions([], { MINIO_REGION_NAME: 'eu-west-1' }).region).toBe('eu-west-1')
  expect(() => readOptions(['--region', 'eu west'])).toThrow('eu west')
})

/** The forms of a signature → the status of a request that is signed so for a region. */
const forms: Record<string, (server: RunningServer, region: string) => Promise<number>> = {
  async 'the Authorization header'({ url }, region) {
    const target = new URL('/photos', url)
    const request = { method: 'GET', url: target, headers: {}, payloadHash: sha256Hex('') }
    const headers = signRequest(request, root, { region, service: 's3', nowMs })
    return (await fetch(target, { headers })).status
  },
  async 'a presigned URL'({ url }, region) {
    const target = new URL('/photos', url)
    const options = { region, service: 's3', nowMs, expiresSeconds: 60 } as const
    return (await fetch(presignUrl({ method: 'GET', url: target }, root, options))).status
  },
  async 'an upload form'({ url }, region) {
    const form = new FormData()
    const fields = makeFields({ signer: root, nowMs, region, fields: { key: 'a' } })
    for (const [name, value] of Object.entries(fields)) form.append(name, value)
    form.append('file', new Blob(['x']))
    const { status } = await fetch(new URL('/photos', url), { method: 'POST', body: form })
    return status === 204 ? 200 : status
  },
  async 'the chunks of a body'({ url }, region) {
    const target = new URL('/photos/a', url)
    const headers = signRequest(
      {
        method: 'PUT',
        url: target,
        headers: { 'x-amz-decoded-content-length': '1' },
        payloadHash: 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
      },
      root,
      { region, service: 's3', nowMs },
    )
    const amzDate = headers['x-amz-date'] ?? ''
    const scope = { date: amzDate.slice(0, 8), region, service: 's3' }
    const signature = /Signature=(\w+)/.exec(headers['authorization'] ?? '')?.[1] ?? ''
    const signingKey = deriveSigningKey(root.secretAccessKey, scope)
    const scopeText = `${scope.date}/${region}/s3/aws4_request`
    const seed = { signingKey, signature, amzDate, scopeText }
    const first = signChunk(seed, signature, sha256Hex('x'))
    const last = signChunk(seed, first, sha256Hex(''))
    const body = `1;chunk-signature=${first}\r\nx\r\n0;chunk-signature=${last}\r\n\r\n`
    return (await fetch(target, { method: 'PUT', headers, body })).status
  },
  async 'a request to the STS'({ url }, region) {
    const body = 'Action=AssumeRole&Version=2011-06-15'
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const request = { method: 'POST', url, headers, payloadHash: sha256Hex(body) }
    const signed = signRequest(request, root, { region, service: 'sts', nowMs })
    return (await fetch(url, { method: 'POST', headers: signed, body })).status
  },
}

it.each(Object.keys(forms))('any region is accepted in %s, the empty one too', async (form) => {
  const server = await open([])
  for (const region of ['', 'us-east-1', 'eu-west-1', 'local', 'US'])
    expect([region, await forms[form]?.(server, region)]).toEqual([region, 200])
})

it.each(Object.keys(forms))('with --region only that region is accepted in %s', async (form) => {
  const server = await open(['--region', 'eu-west-1'])
  expect(await forms[form]?.(server, 'eu-west-1')).toBe(200)
  for (const region of ['', 'us-east-1', 'eu-west-2', 'US'])
    expect([region, await forms[form]?.(server, region)]).toEqual([region, 400])
})
