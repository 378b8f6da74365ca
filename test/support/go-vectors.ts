/** Go’s results for 37 command lines and 6 credentials (test/vectors/README.md). */
import { readFileSync } from 'node:fs'
import path from 'node:path'

export interface FlagVector {
  readonly argv: readonly string[]
  /** Values by the sample’s flag names; absent if Go fails. */
  readonly values?: Readonly<Record<string, string>>
  readonly rest?: readonly string[]
  readonly error?: string
}

export interface OutputVector {
  /** Access key, secret key, expiration, session token. */
  readonly fields: readonly [string, string, string, string]
  readonly go: string
}

const file = path.join(import.meta.dirname, '..', 'vectors', 'go-full-example.json')

export const goVectors = JSON.parse(readFileSync(file, 'utf8')) as {
  readonly flags: readonly FlagVector[]
  readonly output: readonly OutputVector[]
}
