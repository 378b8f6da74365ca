/** The questions of MinIO to OPA in 2022, recorded, beside the questions of this server for the same requests. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { silentLog } from '../../../src/base/log.ts'
import { isObject, type JsonObject } from '../../../src/base/parse.ts'
import type { Principal } from '../../../src/server/sessions/principal.ts'
import type { OpaForm } from '../../../src/server/policy/opa-input.ts'
import { createOpaAuthorizer } from '../../../src/server/policy/opa-authorizer.ts'
import { buildConditions } from '../../../src/server/policy/request-conditions.ts'
import { listWords } from '../../support/server/policy-requests.ts'
import { parseQuery } from '../../../src/protocol/query.ts'

interface Input extends JsonObject {
  readonly account: string
  readonly groups: readonly string[] | null
  readonly action: string
  readonly bucket: string
  readonly object: string
  readonly owner: boolean
  readonly conditions: Readonly<Record<string, readonly string[]>>
  readonly claims: JsonObject | null
}

const file = new URL('../../vectors/opa-requests-from-minio-2022.json', import.meta.url)
const records = JSON.parse(readFileSync(file, 'utf8')) as {
  request: { body: { input: Input } | null }
}[]
/** Without MinIO's probe and its questions about anonymous callers: this server answers those itself. */
const inputs = records.flatMap(({ request }) =>
  request.body === null || request.body.input.claims === null ? [] : [request.body.input],
)

const secrets = ['Authorization', 'X-Amz-Security-Token']
const facts = new Set(
  listWords(`SourceIp SecureTransport UserAgent Referer CurrentTime EpochTime signatureversion authType
    principaltype userid username versionid`),
)

/** Returns the principal, and the request as it must have been sent: headers have capitals, parameters have none. */
function toAsked({ claims, conditions, ...input }: Input): {
  principal: Principal
  conditions: ReadonlyMap<string, readonly string[]>
} {
  const { accessKey: _accessKey, ...own } = claims ?? {}
  const sent = Object.entries(conditions).filter(
    ([name]) => !facts.has(name) && !Object.hasOwn(claims ?? {}, name),
  )
  const isHeader = (name: string): boolean => /^[A-Z]/.test(name)
  const principal: Principal = {
    kind: input.owner ? 'root' : 'session',
    accessKey: input.account,
    subject: input.owner ? input.account : String(own['sub']),
    claims: own,
    policyNames: [],
    sessionPolicy: undefined,
    groups: input.groups ?? [],
    expiresAtMs: undefined,
    issuedAtMs: undefined,
  }
  const headers = sent.flatMap(([name, [value = '']]): [string, string][] =>
    isHeader(name) ? [[name.toLowerCase(), value]] : [],
  )
  const query = sent.flatMap(([name, [value = '']]): [string, string][] =>
    isHeader(name) ? [] : [[name, value]],
  )
  const request = {
    headers: new Map([...headers, ['host', '127.0.0.1:9000']]),
    query: parseQuery(String(new URLSearchParams(query))),
    remoteAddress: '127.0.0.1',
    isTls: false,
    receivedAtMs: Number(conditions['EpochTime']?.[0]) * 1000 + 595,
  }
  return { principal, conditions: buildConditions(request, { principal }) }
}

/** Returns the document that this server sends for the same request, after a round trip through JSON. */
async function askedByUs(input: Input, form: OpaForm = 'opa'): Promise<Input> {
  let sent = ''
  const postJson = async (_url: string, document: unknown): Promise<unknown> => {
    sent = JSON.stringify(document)
    return {}
  }
  const { action, bucket, object } = input
  const opa = createOpaAuthorizer({ form, url: 'http://opa/', postJson, log: silentLog })
  await opa.authorize({ ...toAsked(input), action, bucket, object })
  const document: unknown = JSON.parse(sent)
  expect(isObject(document) && Object.keys(document)).toEqual(['input'])
  return (document as { input: Input }).input
}

describe('the input document for OPA', () => {
  it('the recordings cover sessions and root, buckets, objects and the service', () => {
    expect(inputs.length).toBeGreaterThan(20)
    expect(new Set(inputs.map(({ owner }) => owner)).size).toBe(2)
    expect(inputs.some(({ conditions }) => 'prefix' in conditions)).toBe(true)
  })

  it.each(inputs.map((input) => [input.action, input.account, input] as const))(
    'the OPA input for %s by %s has MinIO’s members in MinIO’s order',
    async (_action, _account, input) => {
      const ours = await askedByUs(input)
      expect(Object.keys(ours)).toEqual(Object.keys(input))
      const { conditions: _ours, ...rest } = ours
      const { conditions: _theirs, ...wanted } = input
      expect(rest).toEqual(wanted)
    },
  )

  it.each(inputs.map((input) => [input.action, input.account, input] as const))(
    'the OPA input for %s by %s has MinIO’s conditions, claims too, without secrets',
    async (_action, _account, input) => {
      const { conditions } = await askedByUs(input)
      const wanted = Object.entries(input.conditions).filter(
        // The parameter `policy` of a request could pass for the claim.
        ([name]) => !secrets.includes(name) && (name !== 'policy' || !input.owner),
      )
      // Today's MinIO writes the names of claims in lower case; both are there.
      const lower = Object.entries(input.claims ?? {}).flatMap(([name, value]) =>
        typeof value === 'string' ? [[name.toLowerCase(), [value]]] : [],
      )
      expect(conditions).toEqual({ ...Object.fromEntries(lower), ...Object.fromEntries(wanted) })
    },
  )

  it('the OPA input contains no token and no signature', async () => {
    for (const input of inputs) {
      const text = JSON.stringify(await askedByUs(input))
      for (const name of secrets)
        for (const secret of input.conditions[name] ?? []) expect(text).not.toContain(secret)
      expect(text).not.toMatch(/eyJ|Signature=/)
    }
  })
})
