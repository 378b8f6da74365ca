/** Runs one row of the conformance table against an endpoint. */
import { randomBytes } from 'node:crypto'
import { parseXml, type XmlNode } from '../../../src/protocol/xml.ts'
import { describeBody, fillIn } from './fill-in.ts'
import type { Comparison, Expectation, Row, Step } from './read-rows.ts'
import { send, type Answer, type Endpoint } from './send-step.ts'

const limits = { maxBytes: 10_000_000, maxDepth: 30 }

/** Runs a row in a bucket of its own, which stays. @throws {Error} that names the step, what was expected and what came. */
export async function runRow(row: Row, endpoint: Endpoint): Promise<void> {
  const bucket = `conformance-${randomBytes(8).toString('hex')}`
  const variables = new Map([
    ['bucket', bucket],
    ['space', ' '],
    ['empty', ''],
    ['cr', '\r'],
    ['accesskey', endpoint.accessKeyId],
    ['region', endpoint.region],
    ['host', endpoint.url.host],
  ])
  if (row.bucket !== undefined) {
    const made = await send(endpoint, {
      method: 'PUT',
      target: `/${bucket}`,
      headers: row.bucket,
      body: '',
      fields: [],
      signing: [],
    })
    if (made.status !== 200) throw new Error(`the row's bucket: ${made.status} ${made.body}`)
  }
  for (const [index, step] of row.steps.entries()) {
    const encoded = new Map(
      [...variables].map(([name, value]) => [name, encodeURIComponent(value)]),
    )
    const target = fillIn(step.target, encoded)
    const body = fillIn(step.body ?? '', variables)
    const withDigests = new Map([...variables, ...describeBody(body)])
    const fields = step.fields.map(([name, value]) => [name, fillIn(value, variables)] as const)
    const answer = await send(endpoint, {
      fields,
      method: step.method,
      target: target.startsWith('/') ? target : toBucketTarget(bucket, target),
      headers: step.headers.map(([name, value]) => [name, fillIn(value, withDigests)]),
      body,
      signing: step.signing.map((way) => fillIn(way, variables)),
    })
    const document = toDocument(answer)
    const faults = findFaults(step, { answer, document, fill: (text) => fillIn(text, variables) })
    if (faults.length > 0) {
      const where = `step ${index + 1}, ${step.method} ${step.target}`
      throw new Error(`${where}: ${faults.join('; ')}\n${describeAnswer(answer)}`)
    }
    for (const [name, from] of step.saved) variables.set(name, readSaved(from, answer, document))
  }
}

function toBucketTarget(bucket: string, target: string): string {
  return target === '' || target.startsWith('?') ? `/${bucket}${target}` : `/${bucket}/${target}`
}

interface Context {
  readonly answer: Answer
  readonly document: XmlNode | undefined
  readonly fill: (text: string) => string
}

function toDocument({ headers, body }: Answer): XmlNode | undefined {
  return body.startsWith('<') && /xml/.test(headers.get('content-type') ?? '')
    ? parseXml(body, limits)
    : undefined
}

function findFaults(step: Step, context: Context): string[] {
  const { answer, document, fill } = context
  const faults: string[] = []
  if (answer.status !== step.status && !isLateRefusal(step, context))
    faults.push(`expected ${step.status}, got ${answer.status}`)
  const [code] = document?.name === 'Error' ? findTexts(document, 'Code') : []
  if (step.code !== undefined && code !== step.code)
    faults.push(`expected ${step.code}, got ${code ?? 'no code'}`)
  if (step.answer !== undefined && answer.body !== fill(step.answer))
    faults.push(`expected the body ${JSON.stringify(fill(step.answer).slice(0, 200))}`)
  for (const expectation of step.expectations) {
    const found = findValues(expectation, context)
    const text = fill(expectation.comparison.text)
    if (!isMet({ ...expectation.comparison, text }, found)) {
      const { name, comparison } = expectation
      faults.push(
        `expected ${name} ${comparison.kind} ${text}, got ${JSON.stringify(found.slice(0, 20))}`,
      )
    }
  }
  return faults
}

/**
 * Returns whether an answer that began with 200 ended in an Error document: work that takes longer than a moment may be refused so (AWS, "CopyObject",
 * "UploadPartCopy", "CompleteMultipartUpload"). The code is compared as always.
 */
function isLateRefusal({ method, headers, target, status }: Step, context: Context): boolean {
  const isCopy = headers.some(([name]) => name === 'x-amz-copy-source')
  const isLong = isCopy || (method === 'POST' && target.includes('uploadId='))
  const isRefusal = context.answer.status === 200 && context.document?.name === 'Error'
  return isLong && isRefusal && status >= 400
}

function findValues({ where, name }: Expectation, { answer, document }: Context): string[] {
  if (where === 'xml') return document === undefined ? [] : findTexts(document, name)
  const value = answer.headers.get(name)
  return value === undefined ? [] : [value]
}

/** Returns the texts of all elements at a path below the root, in order. */
function findTexts(root: XmlNode, path: string): string[] {
  if (path === '/') return [root.name]
  let nodes: readonly XmlNode[] = [root]
  for (const name of path.split('/'))
    nodes = nodes.flatMap((node) => node.children.filter((child) => child.name === name))
  return nodes.map((node) => node.text)
}

function isMet({ kind, text }: Comparison, found: readonly string[]): boolean {
  if (kind === 'absent') return found.length === 0
  if (kind === 'present') return found.length > 0
  if (kind === 'count') return found.length === Number(text)
  if (kind === 'matches')
    return found.length > 0 && found.every((value) => new RegExp(text).test(value))
  const several = /^\[(.*)\]$/.exec(text)?.[1]
  const wanted = several === undefined ? [text] : several.split(', ')
  return found.length === wanted.length && found.every((value, index) => value === wanted[index])
}

function readSaved(from: string, answer: Answer, document: XmlNode | undefined): string {
  if (from.startsWith('<')) return answer.headers.get(from.slice(1)) ?? ''
  return (document === undefined ? [] : findTexts(document, from)).at(-1) ?? ''
}

function describeAnswer({ status, headers, body }: Answer): string {
  const lines = [...headers].map(([name, value]) => `${name}: ${value}`)
  return [status, ...lines, '', body.slice(0, 1500)].join('\n')
}
