/** Simulates the server's policies offline: the same evaluator, with the claims of a token whose signature was not verified. */
import { StsCliError } from '../base/errors.ts'
import type { Io } from '../base/io.ts'
import type { JsonObject } from '../base/parse.ts'
import { toPrintable } from '../base/terminal/printable.ts'
import { AwsError } from '../protocol/aws-error.ts'
import { parseQuery } from '../protocol/query.ts'
import { readSubject } from '../server/identity/token-verifier.ts'
import type { Principal } from '../server/sessions/principal.ts'
import { cannedPolicies } from '../server/policy/canned-policies.ts'
import { findConditionName } from '../server/policy/condition-keys.ts'
import { createIamAuthorizer } from '../server/policy/iam-authorizer.ts'
import { findKnownAction } from '../server/policy/known-actions.ts'
import { parsePolicyDocument, type PolicyDocument } from '../server/policy/policy-document.ts'
import { buildConditions } from '../server/policy/request-conditions.ts'
import { combinePolicies } from '../server/policy/combine-policies.ts'
import { readNames } from '../server/sessions/read-names.ts'
import { readOwnPrincipal } from '../server/sessions/session-claims.ts'
import { readTextFile, type Settings } from './options/settings.ts'

export interface SimulatedRequest {
  readonly claims: JsonObject
  /** `s3:PutObject` */
  readonly action: string
  /** `BUCKET` or `BUCKET/KEY` */
  readonly resource: string
}

export interface SimulatedDecision {
  readonly action: string
  readonly bucket: string
  readonly object: string
  readonly isAllowed: boolean
  /** The statement that decided, as in the server's log. */
  readonly reason: string
}

/**
 * Decides as `sts-cli serve` would for a request with these facts only.
 *
 * @throws {StsCliError} `ERR_USAGE` for an action or a condition key that does not exist, `ERR_DATA` for a policy that cannot be read or a
 *   token without a subject, `ERR_INPUT` for a file.
 */
export async function simulatePolicy(
  { claims, action: given, resource }: SimulatedRequest,
  settings: Settings,
  io: Io,
): Promise<SimulatedDecision> {
  const action = findKnownAction(given)
  if (action === undefined)
    throw new StsCliError('action-unknown', `there is no action ${JSON.stringify(given)}`, {
      hint: 'write it as policies do: s3:GetObject, s3:ListBucket',
    })
  const at = resource.indexOf('/')
  const bucket = at === -1 ? resource : resource.slice(0, at)
  const object = at === -1 ? '' : resource.slice(at + 1)
  const { policies, names } = readPolicies(settings)
  const principal = readPrincipal(claims, names)
  const conditions = readContext(settings, principal, io)
  const authorizer = combinePolicies(createIamAuthorizer({ policies }))
  const question = { principal, action, bucket, object, conditions, areObjectTagsKnown: true }
  const decision = await authorizer.authorize(question)
  const { isAllowed } = decision
  // The reason contains text of the token, which its author chose.
  return { action, bucket, object, isAllowed, reason: toPrintable(decision.reason, 1000) }
}

/** Returns the canned policies and the user's own; `names` are those of files without a name, which decide whatever the token names. */
function readPolicies(settings: Settings): {
  policies: ReadonlyMap<string, PolicyDocument>
  names: readonly string[]
} {
  const policies = new Map(cannedPolicies)
  const names: string[] = []
  for (const text of settings.list('policy')) {
    const [, name, path = ''] = /^(?:([\w.-]+)=)?(.+)$/s.exec(text) ?? []
    policies.set(
      name ?? path,
      withDataErrors(() => parsePolicyDocument(readTextFile(path, 'policy'), path)),
    )
    if (name === undefined) names.push(path)
  }
  return { policies, names }
}

/** Returns the session of a session token; for an identity provider's token, the session that an STS would issue for it. */
function readPrincipal(claims: JsonObject, names: readonly string[]): Principal {
  const principal: Principal = readOwnPrincipal(claims) ?? {
    kind: 'session',
    accessKey: '',
    subject: withDataErrors(() => readSubject(claims)),
    claims,
    policyNames: readNames(claims['policy']),
    sessionPolicy: undefined,
    groups: readNames(claims['groups']),
    expiresAtMs: undefined,
    issuedAtMs: undefined,
  }
  return names.length === 0 ? principal : { ...principal, policyNames: names }
}

function readContext(
  settings: Settings,
  principal: Principal,
  io: Io,
): ReadonlyMap<string, readonly string[]> {
  const plain = { headers: new Map(), query: parseQuery(''), remoteAddress: '', isTls: true }
  const assumed = buildConditions({ ...plain, receivedAtMs: io.nowMs() }, { principal })
  const given = new Map<string, string[]>()
  for (const text of settings.list('context')) {
    const [, key = '', value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
    const name = findConditionName(key)
    if (value === undefined || name === undefined)
      throw new StsCliError('context-invalid', `--context ${JSON.stringify(text)} cannot be set`, {
        hint: 'write KEY=VALUE, such as aws:SourceIp=192.0.2.1 or s3:prefix=photos/; claims come from the token',
      })
    given.set(name, [...(given.get(name) ?? []), value])
  }
  return new Map([...assumed, ...given])
}

/** Runs `read`; an `AwsError` becomes a `StsCliError` `ERR_DATA`. */
function withDataErrors<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof AwsError)) throw error
    throw new StsCliError('document-invalid', toPrintable(error.message, 1000), {
      stage: 'cli',
      cause: error,
    })
  }
}
