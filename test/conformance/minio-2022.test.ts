import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { departures } from './departures.ts'
import { elementText, type Exchange, readExchanges } from './recording.ts'
import { replay, type Replayed } from './replay.ts'
import { type OpaInput, type RecordedStack, startRecordedStack } from './stack.ts'
import { shapeOf } from './xml-shape.ts'

const keycloak = readFileSync(new URL('../vectors/keycloak-26.json', import.meta.url), 'utf8')

function readKeySet(): unknown {
  const records = JSON.parse(keycloak) as { name: string; response: { body: unknown } }[]
  const body = records.find(({ name }) => name === 'jwks')?.response.body
  return typeof body === 'string' ? JSON.parse(body) : body
}

/** The Rego of the main run: the owner may do everything, others may put, get and list. */
const mainRule = ({ action, owner }: OpaInput): boolean =>
  owner || /^s3:(Put|Get|List)/.test(action)
/** The Rego of the quickstart: only put, and only if the caller is not the owner. */
const putOnlyRule = ({ action, owner }: OpaInput): boolean => action === 's3:PutObject' && !owner

const main = readExchanges('minio-2022.json')
const putOnly = readExchanges('minio-2022-opa-put-only.json')

/** The STS exchanges of the put-only run were not recorded; those of the main run replace them, as if they had issued its keys. */
function standIn(name: string, signedBy: string): Exchange {
  const issuing = main.find((exchange) => exchange.name === name)
  const using = putOnly.find((exchange) => exchange.name === signedBy)
  if (issuing === undefined || using === undefined) throw new Error(`no ${name} or ${signedBy}`)
  const accessKey =
    /Credential=([^/]+)/.exec(using.request.headers['Authorization'] ?? '')?.[1] ?? ''
  const { body } = issuing.response
  const swapped = body
    .replace(elementText(body, 'AccessKeyId') ?? '', accessKey)
    .replace(
      elementText(body, 'SessionToken') ?? '',
      using.request.headers['X-Amz-Security-Token'] ?? '',
    )
  return { ...issuing, name: `stand-in/${name}`, response: { ...issuing.response, body: swapped } }
}

const runs = [
  { title: 'MinIO of 2022', prefix: '', exchanges: main, rule: mainRule },
  {
    title: 'MinIO of 2022 with an OPA that allows only put',
    prefix: 'put-only/',
    rule: putOnlyRule,
    exchanges: [
      standIn('cg/success', 's3/put'),
      standIn('cg/policy-ok', 's3/session-policy-put-denied'),
      ...putOnly,
    ],
  },
]

describe.each(runs)('$title', ({ prefix, exchanges, rule }) => {
  let stack: RecordedStack
  let replayed: Map<string, Replayed>

  beforeAll(async () => {
    stack = await startRecordedStack(readKeySet(), rule)
    const all = await replay(exchanges, stack.send)
    replayed = new Map(all.map((item) => [item.exchange.name, item]))
  })
  afterAll(() => stack.stop())

  it.each(exchanges)('the exchange $name gets the recorded answer or its departure', ({ name }) => {
    const { exchange, reply } = replayed.get(name) ?? {}
    if (exchange === undefined || reply === undefined) throw new Error(`${name} was not replayed`)
    const departure = departures[`${prefix}${name}`]
    const recorded = exchange.response
    const expected = {
      status: departure?.status ?? recorded.status,
      code: departure === undefined ? elementText(recorded.body, 'Code') : departure.code,
    }

    expect({ status: reply.status, code: elementText(reply.body, 'Code') }).toEqual(expected)
    const shape = shapeOf(reply.body).filter((at) => !isAdded(at))
    const isSame =
      departure?.document === undefined
        ? isDeepStrictEqual(
            shape,
            shapeOf(recorded.body).filter((at) => !isOmitted(at)),
          )
        : roots[departure.document].test(shape[0] ?? '')
    expect(isSame ? 'same shape' : reply.body).toBe('same shape')
  })
})

/** AWS's spelling of MinIO's AssumeRoleId, and the token's client and issuer, for AWS's SDKs; in errors, AWS's elements that MinIO lacks and this server's own reason. */
function isAdded(at: string): boolean {
  return /\/AssumedRoleUser\/AssumedRoleId$|\/AssumeRoleWithWebIdentityResult\/(?:Audience|Provider)$|^\/Error\/(?:Reason|AWSAccessKeyId|StringToSign|SignatureProvided)$|^\/ListBucketResult\/Contents\/Checksum(?:Algorithm|Type)$/.test(
    at,
  )
}

/** What MinIO writes into lists without being asked, and AWS does not. */
function isOmitted(at: string): boolean {
  return /^\/ListBucketResult\/(?:Delimiter$|Contents\/Owner)/.test(at)
}

const roots = {
  'sts-error': /^\/ErrorResponse/,
  's3-error': /^\/Error/,
  success: /^\/\w+Response/,
} as const
