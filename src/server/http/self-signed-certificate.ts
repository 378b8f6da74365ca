/**
 * Creates a certificate that signs itself, a new one at each start. It is written here: the package that did it took a fifth of the start to load
 * its parser of every structure of X.509, for one certificate of fixed form.
 */
import { generateKeyPair, randomBytes, sign } from 'node:crypto'
import { promisify } from 'node:util'
import { hash } from '../../protocol/digest.ts'
import {
  bitString,
  explicit,
  implicit,
  integer,
  objectId,
  octets,
  sequence,
  set,
  time,
  tlv,
  utf8,
} from './der.ts'

export interface Certificate {
  /** The certificate (PEM). It is its own CA, so this is what clients must trust. */
  readonly cert: string
  readonly key: string
}

const dayMs = 86_400_000
const lifetimeMs = 30 * dayMs
/** Clocks differ: a certificate of this second is not valid yet for some. */
const allowedSkewMs = 3_600_000
const generate = promisify(generateKeyPair)

/**
 * Returns a certificate for `localhost` and the loopback addresses, valid for 30 days. Its key is P-256: an RSA key would delay the start.
 * The key is generated as PEM and never as an object, for the reason that `generateSigningKey` says.
 */
export async function makeCertificate(nowMs: number): Promise<Certificate> {
  const { privateKey: key, publicKey } = await generate('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'der' },
  })
  const toBeSigned = describeCertificate(publicKey, nowMs)
  const signature = sign('sha256', toBeSigned, key)
  return { cert: toPem(sequence(toBeSigned, ecdsaWithSha256, bitString(signature))), key }
}

const ecdsaWithSha256 = sequence(objectId('1.2.840.10045.4.3.2'))

/** Returns the part that is signed (RFC 5280 §4.1, TBSCertificate, version 3). @param publicKey SubjectPublicKeyInfo in DER. */
function describeCertificate(publicKey: Buffer, nowMs: number): Buffer {
  // The name is random, because a server may have two of these certificates, and of two CAs with the same name a client tries only the first.
  const commonName = `sts-cli serve on this machine ${randomBytes(4).toString('hex')}`
  const name = sequence(set(sequence(objectId('2.5.4.3'), utf8(commonName))))
  const serial = randomBytes(16)
  // Positive, and of full length (RFC 5280 §4.1.2.2).
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40
  return sequence(
    explicit(0, integer(Buffer.of(2))),
    integer(serial),
    ecdsaWithSha256,
    name,
    sequence(time(nowMs - allowedSkewMs), time(nowMs + lifetimeMs)),
    name,
    publicKey,
    explicit(3, sequence(...listExtensions(publicKey))),
  )
}

/** Returns the extensions (RFC 5280 §4.2.1). Strict clients, such as Python's since 3.13, want the key's identifier of every CA. */
function listExtensions(publicKey: Buffer): Buffer[] {
  const yes = tlv(0x01, Buffer.of(0xff))
  // The key itself is at the end: 65 bytes of an uncompressed point. Its identifier is 160 bits of its SHA-256 (RFC 7093 §2, method 1).
  const keyId = hash('sha256', publicKey.subarray(-65)).subarray(0, 20)
  const names = [
    implicit(2, Buffer.from('localhost', 'latin1')),
    implicit(7, Buffer.of(127, 0, 0, 1)),
    implicit(7, Buffer.of(...Array.from({ length: 15 }, () => 0), 1)),
  ]
  return [
    // basicConstraints: a CA
    sequence(objectId('2.5.29.19'), yes, octets(sequence(yes))),
    // keyUsage: digitalSignature and keyCertSign, the first and the sixth bit
    sequence(objectId('2.5.29.15'), yes, octets(bitString(Buffer.of(0b1000_0100), 2))),
    // extKeyUsage: serverAuth
    sequence(objectId('2.5.29.37'), octets(sequence(objectId('1.3.6.1.5.5.7.3.1')))),
    sequence(objectId('2.5.29.17'), octets(sequence(...names))),
    sequence(objectId('2.5.29.14'), octets(octets(keyId))),
  ]
}

function toPem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}
