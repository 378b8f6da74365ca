/** Questions to an authorizer, with defaults for everything that a test does not set. */
import type { JsonObject } from '../../../src/base/parse.ts'
import type { Principal } from '../../../src/server/sessions/principal.ts'
import type { AuthorizationRequest } from '../../../src/server/policy/authorizer.ts'
import { evaluateDocument } from '../../../src/server/policy/evaluate-document.ts'
import { parsePolicyDocument } from '../../../src/server/policy/policy-document.ts'

export const session: Principal = {
  kind: 'session',
  accessKey: 'ABCDEFGHIJ0123456789',
  subject: 'alice',
  claims: { sub: 'alice', azp: 'my-app' },
  policyNames: ['readwrite'],
  sessionPolicy: undefined,
  groups: [],
  expiresAtMs: 2_000_000_000_000,
  issuedAtMs: 1_900_000_000_000,
}

export const root: Principal = {
  ...session,
  kind: 'root',
  accessKey: 'minio',
  subject: 'minio',
  claims: {},
  policyNames: [],
}

export interface Question {
  readonly action?: string
  /** `bucket`, `bucket/key`, or empty for the service. */
  readonly at?: string
  readonly principal?: Principal
  readonly claims?: JsonObject
  /** Condition name → value or values, by MinIO's names. */
  readonly conditions?: Readonly<Record<string, string | readonly string[]>>
}

export function makeRequest(question: Question = {}): AuthorizationRequest {
  const { action = 's3:GetObject', at = 'bucket/key', principal = session } = question
  const [bucket = '', ...key] = at.split('/')
  return {
    principal:
      question.claims === undefined ? principal : { ...principal, claims: question.claims },
    action,
    bucket,
    object: key.join('/'),
    conditions: new Map(
      Object.entries(question.conditions ?? {}).map(([name, value]) => [name, [value].flat()]),
    ),
  }
}

type Statement = Readonly<Record<string, unknown>>

export const allowAll: Statement = { Effect: 'Allow', Action: 's3:*', Resource: '*' }

/** Returns the text of a policy document. */
export function write(...statements: Statement[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: statements })
}

/** Returns the effect of these statements on the question: `Allow`, `Deny` or `none`. */
export function decide(statements: Statement | readonly Statement[], question?: Question): string {
  const document = parsePolicyDocument(write(...[statements].flat()), 'the policy')
  return evaluateDocument(document, makeRequest(question)).effect
}

/** Returns true if a condition block holds for `alice`. */
export function holds(condition: object, question?: Question): boolean {
  return decide({ ...allowAll, Condition: condition }, question) === 'Allow'
}

/** Returns the error message for a document, or `accepted`. */
export function refusalOf(text: string): string {
  try {
    parsePolicyDocument(text, 'the policy')
    return 'accepted'
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'InvalidParameterValue'
      ? error.message
      : `not a refusal: ${String(error)}`
  }
}

/** Returns the names in a text that are separated by white space. */
export function listWords(text: string): string[] {
  return text.split(/\s+/)
}
