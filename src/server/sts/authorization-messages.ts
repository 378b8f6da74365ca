/** What a refusal of the STS says to those who may know: an encoded message in its text (AWS STS API, DecodeAuthorizationMessage). */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { hmac } from '../../protocol/digest.ts'

export interface AuthorizationMessages {
  /** Returns a text that only this server's root secret opens. */
  seal(text: string): string
  /** Returns the text; undefined for what was not sealed here, or was changed. */
  open(encoded: string): string | undefined
}

const cipherName = 'aes-256-gcm'
const nonceBytes = 12
const tagBytes = 16
/** The longest encoded message (AWS STS API, EncodedMessage). */
export const maxEncodedChars = 10_240

/** Returns the codec of a root secret. Its key is derived, as those of sessions are. */
export function createAuthorizationMessages(rootSecret: string): AuthorizationMessages {
  const key = hmac('sha256', rootSecret, 'sts-cli authorization message v1')
  return {
    seal(text) {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv(cipherName, key, nonce, { authTagLength: tagBytes })
      const sealed = [nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]
      return Buffer.concat(sealed).toString('base64url')
    },
    open(encoded) {
      if (encoded.length > maxEncodedChars || !/^[\w-]+$/.test(encoded)) return undefined
      const bytes = Buffer.from(encoded, 'base64url')
      // A text has one encoding: spare bits at its end would make several.
      if (bytes.length < nonceBytes + tagBytes || bytes.toString('base64url') !== encoded)
        return undefined
      const nonce = bytes.subarray(0, nonceBytes)
      const decipher = createDecipheriv(cipherName, key, nonce, { authTagLength: tagBytes })
      decipher.setAuthTag(bytes.subarray(-tagBytes))
      try {
        const text = decipher.update(bytes.subarray(nonceBytes, -tagBytes))
        return Buffer.concat([text, decipher.final()]).toString('utf8')
      } catch {
        return undefined
      }
    },
  }
}
