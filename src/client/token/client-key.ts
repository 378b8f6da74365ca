/** The client's key for `private_key_jwt`. */
import { createPrivateKey, webcrypto, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { StsCliError } from '../../base/errors.ts'
import { parseJsonObject, readString } from '../../base/parse.ts'

export interface ClientKey {
  readonly key: webcrypto.CryptoKey
  /** The JWK's `kid`; a PEM has none, and the provider tries its keys. */
  readonly kid?: string
}

const curves: Readonly<Record<string, string>> = {
  prime256v1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
}

/**
 * Reads a private key: PEM (PKCS#8, PKCS#1, SEC1) or a JWK with its `kid`. RSA signs RS256, EC by its curve, Ed25519 EdDSA.
 *
 * @throws {StsCliError} `ERR_INPUT` when it cannot be read, `ERR_DATA` when it is not such a key; messages never contain what the file holds.
 */
export async function readClientKey(path: string): Promise<ClientKey> {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new StsCliError('client-key-unreadable', `the key file ${path} cannot be read`, {
      stage: 'config',
      cause,
    })
  }
  const jwk = parseJsonObject(text)
  const key = parseKey(jwk === undefined ? text : { key: jwk, format: 'jwk' })
  const algorithm = key === undefined ? undefined : chooseAlgorithm(key)
  if (key === undefined || algorithm === undefined)
    throw new StsCliError('client-key-invalid', `${path} is no private key that can sign`, {
      stage: 'config',
    })
  const der = key.export({ format: 'der', type: 'pkcs8' })
  const imported = await webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign'])
  const kid = jwk === undefined ? undefined : readString(jwk, 'kid')
  return { key: imported, ...(kid === undefined ? {} : { kid }) }
}

function parseKey(input: Parameters<typeof createPrivateKey>[0]): KeyObject | undefined {
  try {
    return createPrivateKey(input)
  } catch {
    // OpenSSL's errors may quote the input.
    return undefined
  }
}

function chooseAlgorithm(
  key: KeyObject,
): { name: string; hash?: string; namedCurve?: string } | undefined {
  if (key.asymmetricKeyType === 'rsa') return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
  if (key.asymmetricKeyType === 'ed25519') return { name: 'Ed25519' }
  const namedCurve = curves[key.asymmetricKeyDetails?.namedCurve ?? '']
  return namedCurve === undefined ? undefined : { name: 'ECDSA', namedCurve }
}
