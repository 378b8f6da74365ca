/**
 * Values that the server hands out and takes back: refresh tokens, access tokens, the state of a login in a browser. They are encrypted and
 * authenticated under a key of the root secret, so that nothing is stored, and every server with this root secret reads them.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { parseJsonObject, readNumber, type JsonObject } from '../../base/parse.ts'

/** What a value is for. One of another purpose is not read, so that none stands in for another. */
export type SealPurpose =
  | 'pending'
  | 'device'
  | 'choice'
  | 'sign-in'
  | 'access'
  | 'refresh'
  | 'registration'
  | 'memory'

export interface Sealer {
  /** Returns the value in base64url. @param endsAtMs From then on it is not read. */
  seal(purpose: SealPurpose, value: JsonObject, endsAtMs: number): string
  /** Returns a value that this server sealed for the purpose: `undefined` for any other text, `over` after its end. */
  open(purpose: SealPurpose, text: string): JsonObject | 'over' | undefined
  /** Returns a key for another use. */
  deriveKey(use: 'verifier' | 'id-token'): Buffer
}

const cipherName = 'aes-256-gcm'
const nonceBytes = 12
const tagBytes = 16
/** More than three tokens of a provider. */
const maxSealedChars = 48 * 1024

/** Returns the sealer of a root secret. Its keys are HKDF's (RFC 5869), one for each use. */
export function createSealer(rootSecret: string, nowMs: () => number): Sealer {
  const deriveKey = (use: string): Buffer =>
    Buffer.from(hkdfSync('sha256', rootSecret, '', `sts-cli aws-login ${use} v1`, 32))
  const key = deriveKey('seal')
  return {
    deriveKey,
    seal(purpose, value, endsAtMs) {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv(cipherName, key, nonce, { authTagLength: tagBytes })
      cipher.setAAD(Buffer.from(purpose))
      const text = JSON.stringify({ ...value, endsAtMs })
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return Buffer.concat([nonce, body, cipher.getAuthTag()]).toString('base64url')
    },
    open(purpose, text) {
      if (text.length > maxSealedChars || !/^[\w-]+$/.test(text)) return undefined
      const value = decrypt(key, purpose, Buffer.from(text, 'base64url'))
      if (value === undefined) return undefined
      return nowMs() < (readNumber(value, 'endsAtMs') ?? 0) ? value : 'over'
    },
  }
}

function decrypt(key: Buffer, purpose: SealPurpose, bytes: Buffer): JsonObject | undefined {
  if (bytes.length < nonceBytes + tagBytes) return undefined
  try {
    const options = { authTagLength: tagBytes }
    const decipher = createDecipheriv(cipherName, key, bytes.subarray(0, nonceBytes), options)
    decipher.setAAD(Buffer.from(purpose)).setAuthTag(bytes.subarray(-tagBytes))
    const body = bytes.subarray(nonceBytes, -tagBytes)
    return parseJsonObject(decipher.update(body, undefined, 'utf8') + decipher.final('utf8'))
  } catch {
    // The tag is wrong.
    return undefined
  }
}
