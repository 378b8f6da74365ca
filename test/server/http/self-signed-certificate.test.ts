import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { objectId, time, tlv } from '../../../src/server/http/der.ts'
import { makeCertificate } from '../../../src/server/http/self-signed-certificate.ts'

const nowMs = Date.parse('2026-11-23T16:33:27Z')
const dayMs = 86_400_000

/** Returns the certificates of a PEM text, in its order. */
function readAll(pem: string): X509Certificate[] {
  return (pem.match(/-----BEGIN[^]*?-----END CERTIFICATE-----/g) ?? []).map(
    (text) => new X509Certificate(text),
  )
}

describe('the certificate of a server on this machine', () => {
  it('the certificate is for localhost and the loopback addresses, and is no CA: Rust’s TLS takes none of a server', async () => {
    const { cert, key } = await makeCertificate(nowMs)
    const certificate = new X509Certificate(cert)
    expect(certificate.ca).toBe(false)
    expect(certificate.subjectAltName).toBe(
      'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
    )
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
    expect(certificate.subject).toBe('CN=localhost')
    expect(key).toMatch(/^-----BEGIN PRIVATE KEY-----\n/)
    expect(certificate.checkPrivateKey(createPrivateKey(key))).toBe(true)
    expect(certificate.toLegacyObject()).toMatchObject({ nistCurve: 'P-256' })
  })

  it('the certificate comes with the CA that signed it, and that signed itself', async () => {
    const made = await makeCertificate(nowMs)
    const [server, authority, ...others] = readAll(made.cert)
    expect(others).toEqual([])
    expect(made.authority).toBe(String(authority))
    expect(authority?.subject).toMatch(/^CN=sts-cli serve on this machine [0-9a-f]{8}$/)
    expect(authority?.ca).toBe(true)
    expect(authority?.checkIssued(authority)).toBe(true)
    expect(authority?.verify(authority.publicKey)).toBe(true)
    expect(authority && server?.checkIssued(authority)).toBe(true)
    expect(authority && server?.verify(authority.publicKey)).toBe(true)
    expect(authority?.publicKey.equals(server?.publicKey ?? authority.publicKey)).toBe(false)
  })

  it('the certificate is valid from an hour before its making until 30 days after it', async () => {
    for (const certificate of readAll((await makeCertificate(nowMs)).cert)) {
      expect(Date.parse(certificate.validFrom)).toBe(nowMs - 3_600_000)
      expect(Date.parse(certificate.validTo)).toBe(nowMs + 30 * dayMs)
    }
  })

  it('two certificates have different names, serial numbers and keys', async () => {
    const one = readAll((await makeCertificate(nowMs)).cert)
    const other = readAll((await makeCertificate(nowMs)).cert)
    const both = [...one, ...other]
    expect(one[1]?.subject).not.toBe(other[1]?.subject)
    for (const { serialNumber } of both) expect(serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/)
    expect(new Set(both.map(({ serialNumber }) => serialNumber)).size).toBe(4)
    const keys = both.map(({ publicKey }) => publicKey.export({ type: 'spki', format: 'pem' }))
    expect(new Set(keys).size).toBe(4)
  })

  it('a client that trusts only the CA connects to localhost and to no other name', async () => {
    const certificate = await makeCertificate(Date.now())
    const server = createServer(certificate, (_request, response) => response.end('hello'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const ask = (servername: string): Promise<string | number | undefined> =>
      new Promise((resolve) => {
        const options = {
          host: '127.0.0.1',
          port,
          servername,
          ca: certificate.authority,
          agent: false,
        }
        request(options, (response) => resolve(response.resume().statusCode))
          .on('error', (error: NodeJS.ErrnoException) => resolve(error.code))
          .end()
      })
    expect([await ask('localhost'), await ask('example.com')]).toEqual([
      200,
      'ERR_TLS_CERT_ALTNAME_INVALID',
    ])
    server.close()
    server.closeAllConnections()
  })
})

describe('DER', () => {
  it.each([
    ['1.2.840.10045.4.3.2', '06082a8648ce3d040302'],
    ['2.5.29.17', '0603551d11'],
    ['1.3.6.1.5.5.7.3.1', '06082b06010505070301'],
  ])('the object id %s is written as %s', (dotted, hex) => {
    expect(objectId(dotted).toString('hex')).toBe(hex)
  })

  it('a length is written in as few bytes as it needs', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xff_ff }), (length) => {
        const head = tlv(0x04, Buffer.alloc(length)).subarray(1, -length || undefined)
        const [first = 0] = head
        const read = first < 0x80 ? first : head.readUIntBE(1, first & 0x7f)
        expect(read).toBe(length)
        expect(head).toHaveLength(length < 0x80 ? 1 : length < 0x100 ? 2 : 3)
      }),
    )
  })

  it('a time has a year of two digits before 2050 and of four from then on', () => {
    expect(time(Date.parse('2049-12-31T23:59:59Z')).toString('latin1')).toBe(
      '\u0017\r491231235959Z',
    )
    expect(time(Date.parse('2050-01-01T00:00:00Z')).toString('latin1')).toBe(
      '\u0018\u000f20500101000000Z',
    )
  })
})
