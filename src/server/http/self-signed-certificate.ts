/**
 * Creates a server's certificate and a CA that signed it, new ones at each start. They are written here: the package that did it took a fifth of the start to
 * load its parser of every structure of X.509, for two certificates of fixed form.
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
  /** The server's certificate and then its CA's (PEM), as servers send them. */
  readonly cert: string
  /** The private key of the server's certificate. That of the CA is kept nowhere. */
  readonly key: string
  /** The CA's certificate (PEM), which clients must trust. It is alone, because Java's keytool takes the first one of a file. */
  readonly authority: string
}

const dayMs = 86_400_000
const lifetimeMs = 30 * dayMs
/** Clocks differ: a certificate of this second is not valid yet for some. */
const allowedSkewMs = 3_600_000
const generate = promisify(generateKeyPair)

/**
 * Returns a certificate for `localhost` and the loopback addresses, valid for 30 days, with its CA. The two are not one, because the TLS of programs in Rust
 * refuses a CA as a server's certificate. Their keys are P-256: RSA keys would delay the start.
 */
export async function makeCertificate(nowMs: number): Promise<Certificate> {
  const [authority, server] = await Promise.all([generateKeys(), generateKeys()])
  // The name is random, because a server may have two of these CAs, and of two with the same name a client tries only the first.
  const issuer = `sts-cli serve on this machine ${randomBytes(4).toString('hex')}`
  const make = (subject: string, publicKey: Buffer, extensions: readonly Buffer[]): string => {
    const toBeSigned = describeCertificate({ issuer, subject, publicKey, extensions, nowMs })
    const signature = sign('sha256', toBeSigned, authority.privateKey)
    return toPem(sequence(toBeSigned, ecdsaWithSha256, bitString(signature)))
  }
  const authorityId = identifyKey(authority.publicKey)
  const ofServer = [...serverExtensions(authorityId), keyIdentifier(identifyKey(server.publicKey))]
  const ofAuthority = [...authorityExtensions(), keyIdentifier(authorityId)]
  const trusted = make(issuer, authority.publicKey, ofAuthority)
  const cert = make('localhost', server.publicKey, ofServer) + trusted
  return { cert, key: server.privateKey, authority: trusted }
}

/** Generates a pair of keys as PEM and DER and never as objects, for the reason that `generateSigningKey` says. */
function generateKeys(): Promise<{ privateKey: string; publicKey: Buffer }> {
  return generate('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'der' },
  })
}

const ecdsaWithSha256 = sequence(objectId('1.2.840.10045.4.3.2'))

interface Description {
  /** Common names. */
  readonly issuer: string
  readonly subject: string
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Buffer
  readonly extensions: readonly Buffer[]
  readonly nowMs: number
}

/** Returns the part that is signed (RFC 5280 §4.1, TBSCertificate, version 3). */
function describeCertificate(description: Description): Buffer {
  const { issuer, subject, publicKey, extensions, nowMs } = description
  const serial = randomBytes(16)
  // Positive, and of full length (RFC 5280 §4.1.2.2).
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40
  return sequence(
    explicit(0, integer(Buffer.of(2))),
    integer(serial),
    ecdsaWithSha256,
    toName(issuer),
    sequence(time(nowMs - allowedSkewMs), time(nowMs + lifetimeMs)),
    toName(subject),
    publicKey,
    explicit(3, sequence(...extensions)),
  )
}

function toName(commonName: string): Buffer {
  return sequence(set(sequence(objectId('2.5.4.3'), utf8(commonName))))
}

/** Returns the identifier of a key: 160 bits of its SHA-256 (RFC 7093 §2, method 1). The key itself is at the end: 65 bytes of an uncompressed point. */
function identifyKey(publicKey: Buffer): Buffer {
  return hash('sha256', publicKey.subarray(-65)).subarray(0, 20)
}

// The extensions (RFC 5280 §4.2.1). Strict clients, such as Python's since 3.13, want the identifiers of the keys.

const yes = tlv(0x01, Buffer.of(0xff))

function keyIdentifier(keyId: Buffer): Buffer {
  return sequence(objectId('2.5.29.14'), octets(octets(keyId)))
}

function authorityExtensions(): Buffer[] {
  return [
    // basicConstraints: a CA, of no further CAs
    sequence(objectId('2.5.29.19'), yes, octets(sequence(yes, integer(Buffer.of(0))))),
    // keyUsage: keyCertSign, the sixth bit
    sequence(objectId('2.5.29.15'), yes, octets(bitString(Buffer.of(0b0000_0100), 2))),
  ]
}

function serverExtensions(authorityId: Buffer): Buffer[] {
  const names = [
    implicit(2, Buffer.from('localhost', 'latin1')),
    implicit(7, Buffer.of(127, 0, 0, 1)),
    implicit(7, Buffer.of(...Array.from({ length: 15 }, () => 0), 1)),
  ]
  return [
    // basicConstraints: not a CA
    sequence(objectId('2.5.29.19'), yes, octets(sequence())),
    // keyUsage: digitalSignature, the first bit
    sequence(objectId('2.5.29.15'), yes, octets(bitString(Buffer.of(0b1000_0000), 7))),
    // extKeyUsage: serverAuth
    sequence(objectId('2.5.29.37'), octets(sequence(objectId('1.3.6.1.5.5.7.3.1')))),
    sequence(objectId('2.5.29.17'), octets(sequence(...names))),
    // authorityKeyIdentifier: the key's identifier
    sequence(objectId('2.5.29.35'), octets(sequence(implicit(0, authorityId)))),
  ]
}

function toPem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}
