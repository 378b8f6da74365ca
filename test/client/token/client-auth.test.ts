import { createHash, type KeyObject, X509Certificate } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import type { TLSSocket } from 'node:tls'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { exportJWK, jwtVerify } from '../../../src/base/jose.ts'
import { makeCertificate } from '../../../src/server/http/self-signed-certificate.ts'
import {
  clientId,
  errorOf,
  idpToken,
  openStage,
  type Ran,
  type Stage,
} from '../../support/commands/harness.ts'
import { generateKeys } from '../../support/generate-keys.ts'

let stage: Stage
let file: string

beforeEach(async () => {
  stage = await openStage()
  file = path.join(stage.home, 'key')
})

const login = (...flags: readonly string[]): Promise<Ran> =>
  stage.cli(['token', '-idp-ep', `${stage.idp.url}/token`, '-cid', clientId, ...flags])
const byKey = (...flags: readonly string[]): Promise<Ran> =>
  login('--auth-method', 'private_key_jwt', '--key-file', file, ...flags)

const toPem = (key: KeyObject, type: 'pkcs8' | 'sec1' | 'pkcs1' = 'pkcs8'): string =>
  key.export({ format: 'pem', type: type as 'pkcs8' }).toString()

describe('client with a private key', () => {
  const rsa = generateKeys('rsa')
  const p256 = generateKeys('P-256')
  const p384 = generateKeys('P-384')
  const ed25519 = generateKeys('ed25519')

  it.each([
    ['RSA', rsa.publicKey, toPem(rsa.privateKey), 'RS256'],
    ['RSA in PKCS #1', rsa.publicKey, toPem(rsa.privateKey, 'pkcs1'), 'RS256'],
    ['P-256', p256.publicKey, toPem(p256.privateKey), 'ES256'],
    ['P-256 in SEC 1', p256.publicKey, toPem(p256.privateKey, 'sec1'), 'ES256'],
    ['P-384', p384.publicKey, toPem(p384.privateKey), 'ES384'],
    ['Ed25519', ed25519.publicKey, toPem(ed25519.privateKey), 'Ed25519'],
  ])('a client with a %s key signs its assertion', async (_what, publicKey, pem, algorithm) => {
    await writeFile(file, pem)
    expect(await byKey()).toMatchObject({ code: 0, stdout: `${idpToken}\n` })
    const { form, headers } = stage.idp.seen[0] ?? { form: new URLSearchParams(), headers: {} }
    expect(form.get('grant_type')).toBe('client_credentials')
    expect(form.get('client_assertion_type')).toBe(
      'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    )
    expect(headers.authorization).toBeUndefined()
    const { payload, protectedHeader } = await jwtVerify(
      form.get('client_assertion') ?? '',
      publicKey,
    )
    expect(protectedHeader.alg).toBe(algorithm)
    expect(payload).toMatchObject({ iss: clientId, sub: clientId, aud: `${stage.idp.url}/token` })
  })

  it('the assertion names the key id of a JWK', async () => {
    await writeFile(file, JSON.stringify({ ...(await exportJWK(p256.privateKey)), kid: 'key-7' }))
    expect((await byKey()).code).toBe(0)
    const assertion = stage.idp.seen[0]?.form.get('client_assertion') ?? ''
    expect((await jwtVerify(assertion, p256.publicKey)).protectedHeader).toMatchObject({
      kid: 'key-7',
    })
  })

  it('a token request with an assertion has the scope, the audience and the parameters', async () => {
    await writeFile(file, toPem(p256.privateKey))
    await byKey('--scope', 's3', '--audience', 'minio', '--param', 'resource=x')
    const { scope, audience, resource } = Object.fromEntries(stage.idp.seen[0]?.form ?? [])
    expect({ scope, audience, resource }).toEqual({ scope: 's3', audience: 'minio', resource: 'x' })
  })

  it.each([
    ['a public key', rsa.publicKey.export({ format: 'pem', type: 'spki' }).toString()],
    ['a key of an unsupported type', toPem(generateKeys('x25519').privateKey)],
    [
      'an encrypted key',
      rsa.privateKey
        .export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'x' })
        .toString(),
    ],
    ['an invalid JWK', '{"kty":"RSA","n":"sesame"}'],
    ['another text', 'open sesame'],
  ])('an error about a key file with %s shows nothing of the file', async (_what, content) => {
    await writeFile(file, content)
    const ran = await byKey('--debug')
    expect(ran.code).toBe(65)
    expect(ran.stderr).toContain(`${file} is no private key that can sign\nhint: RSA,`)
    expect(ran.stderr).not.toMatch(/sesame|BEGIN|MII/)
    expect(stage.idp.seen).toEqual([])
  })

  it('private_key_jwt requires a key file', async () => {
    expect(await byKey()).toMatchObject({ code: 66 })
    const none = await login('--auth-method', 'private_key_jwt', '--json')
    expect(errorOf(none)).toMatchObject({ exitCode: 64, hint: 'name its file with --key-file' })
  })
})

describe('client with a certificate', () => {
  it('tls_client_auth shows the certificate and sends only the client id', async () => {
    const server = await makeCertificate(Date.now())
    const own = await makeCertificate(Date.now())
    const [cert, key, ca] = ['cert', 'key', 'ca'].map((name) => path.join(stage.home, name))
    await writeFile(cert ?? '', own.cert)
    await writeFile(key ?? '', own.key)
    await writeFile(ca ?? '', server.cert)
    const shown: (string | undefined)[] = []
    const idp = createServer(
      { ...server, requestCert: true, rejectUnauthorized: false },
      (request, response) => {
        shown.push((request.socket as TLSSocket).getPeerX509Certificate()?.fingerprint256)
        request.on('data', (chunk) => shown.push(String(chunk)))
        request.on('end', () => {
          response.setHeader('content-type', 'application/json')
          response.end(JSON.stringify({ access_token: 'a.b.c', token_type: 'Bearer' }))
        })
      },
    )
    await new Promise<void>((resolve) => idp.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void idp.close())
    const { port } = idp.address() as AddressInfo
    const argv = ['token', '-idp-ep', `https://localhost:${port}/token`, '-cid', clientId]
    const tls = ['--cert', cert ?? '', '--key', key ?? '', '--ca-file', ca ?? '']
    const ran = await stage.cli([...argv, '--auth-method', 'tls_client_auth', ...tls])
    expect(ran).toMatchObject({ code: 0, stdout: 'a.b.c\n' })
    expect(shown).toEqual([
      new X509Certificate(own.cert).fingerprint256,
      `grant_type=client_credentials&client_id=${clientId}`,
    ])
  })

  it('tls_client_auth requires a certificate and its matching key', async () => {
    const method = ['--auth-method', 'tls_client_auth']
    expect(await login(...method)).toMatchObject({ code: 64 })
    expect(await login(...method, '--cert', file)).toMatchObject({ code: 64 })
    const flags = ['-idp-ep', 'https://localhost:1/token', ...method, '--cert', file, '--key', file]
    expect(await login(...flags)).toMatchObject({ code: 66 })
    await writeFile(file, createHash('sha256').digest('hex'))
    const wrong = await login(...flags)
    expect(wrong.code).toBe(65)
    expect(wrong.stderr).toContain('are no certificate with its key\nhint: both must be PEM')
  })
})

describe('client without a secret', () => {
  it('the auth method none cannot use client credentials', async () => {
    expect(await login('--auth-method', 'none')).toMatchObject({ code: 64 })
  })
})
