/** Writes decided requests and their explanations for people. */
import { isObject, readNumber, readString, type JsonObject } from '../../base/parse.ts'
import { toPrintable } from '../../base/terminal/printable.ts'

/** Colours a text, where colour is wanted. */
export type Paint = (colour: 'red' | 'green', text: string) => string

const maxTextChars = 1000

function text(json: JsonObject, name: string): string {
  return toPrintable(readString(json, name) ?? '', maxTextChars)
}

/** Returns the reason of a refusal, without the encoded message that AWS's tools can decode: here it is told in words. */
function describeReason(request: JsonObject): string {
  return text(request, 'reason').replace(/\s*Encoded authorization failure message:.*$/i, '')
}

function list(json: JsonObject, name: string): JsonObject[] {
  const values = json[name]
  return Array.isArray(values) ? values.filter(isObject) : []
}

/** Returns one line about a request: time, status, what was asked of what, by whom, the rule of a no, the id. */
export function describeInLine(request: JsonObject, paint: Paint): string {
  const status = readNumber(request, 'status') ?? 0
  const denied = (readNumber(request, 'denied') ?? 0) > 0
  const decision = list(request, 'decisions').find((each) => {
    return !denied || text(each, 'decision') === 'deny'
  })
  const time = text(request, 'time').slice(11)
  const what = text(request, 'operation')
  const where = decision ? describePlace(decision) : text(request, 'path')
  const observed = list(request, 'decisions').find((each) => text(each, 'wouldDeny') !== '')
  const why = observed
    ? `would be denied: ${text(observed, 'wouldDeny')}`
    : denied && decision
      ? text(decision, 'rule')
      : describeReason(request)
  const mark = String(status)
  const shown = status >= 400 ? paint('red', mark) : paint('green', mark)
  const parts = [time, shown, what, where, `by ${describeCaller(request)}`]
  return `${[...parts, why && `(${why})`, text(request, 'id')].filter(Boolean).join('  ')}\n`
}

function describePlace(decision: JsonObject): string {
  const [bucket, key] = [text(decision, 'bucket'), text(decision, 'key')]
  return key === '' ? bucket : `${bucket}/${key}`
}

function describeCaller(request: JsonObject): string {
  const caller = text(request, 'name') || text(request, 'principal') || 'nobody'
  const role = text(request, 'role')
  return role === '' ? caller : `${caller} as ${role}`
}

/** Returns the explanation of a request: each decision, the policies that were asked, and what would allow it. */
export function describeExplained(explained: JsonObject, paint: Paint): string {
  const request = isObject(explained['request']) ? explained['request'] : {}
  const error = text(request, 'error')
  const head = [
    `${String(readNumber(request, 'status') ?? '')} ${error && `${error} `}${text(request, 'operation')}`,
    `by ${describeCaller(request)}`,
    text(request, 'accessKeyId') && `key ${text(request, 'accessKeyId')}`,
    `from ${text(request, 'source') || 'an unknown address'}`,
    text(request, 'time'),
  ]
  const lines = [head.filter(Boolean).join(', ')]
  if (describeReason(request) !== '') lines.push(describeReason(request))
  const explanations = list(explained, 'explanations')
  if (explanations.length === 0) lines.push('no policy was asked')
  for (const explanation of explanations) lines.push('', ...describeDecision(explanation, paint))
  return `${lines.join('\n')}\n`
}

function describeDecision(explanation: JsonObject, paint: Paint): string[] {
  const isAllowed = explanation['isAllowed'] === true
  const word = isAllowed ? paint('green', 'allowed') : paint('red', 'denied')
  const place = describePlace(explanation)
  const on = place === '' ? '' : ` on ${place}`
  const lines = [`${word} ${text(explanation, 'action')}${on}: ${text(explanation, 'reason')}`]
  for (const policy of list(explanation, 'policies')) lines.push(...describePolicy(policy))
  const remedy = explanation['remedy']
  if (!isObject(remedy)) return lines
  lines.push(`to allow it: ${text(remedy, 'advice')}`)
  if (isObject(remedy['statement']))
    lines.push(...JSON.stringify(remedy['statement'], undefined, 2).split('\n').map(indent))
  return lines
}

function describePolicy(policy: JsonObject): string[] {
  const effects: Readonly<Record<string, string>> = { Allow: 'allows it', Deny: 'denies it' }
  const problem = text(policy, 'problem')
  const said = effects[text(policy, 'effect')] ?? 'does not allow it'
  const kind = text(policy, 'kind') === 'identity' ? 'policy ' : ''
  const statements = list(policy, 'statements')
  const head = `  ${kind}${text(policy, 'name')} ${problem === '' ? said : `was not asked: ${problem}`}`
  if (problem === '' && statements.length === 0)
    return [`${head}: no statement of it is about this action`]
  return [head, ...statements.flatMap(describeStatement)]
}

function describeStatement(statement: JsonObject): string[] {
  const name = `    ${text(statement, 'effect')} ${text(statement, 'label')}`
  if (statement['applies'] === true) return [`${name} applies`]
  if (statement['isResourceNamed'] !== true) return [`${name} is for other resources`]
  const failed = list(statement, 'conditions').filter(({ holds }) => holds !== true)
  return failed.map((condition) => {
    const { wanted, actual } = condition
    const values = `wants ${listValues(wanted)}, the request has ${listValues(actual)}`
    return `${name}: the condition ${text(condition, 'operator')} ${text(condition, 'key')} ${values}`
  })
}

function listValues(values: unknown): string {
  if (!Array.isArray(values)) return 'what this server does not know'
  if (values.length === 0) return 'none'
  return values.map((value) => toPrintable(JSON.stringify(value), maxTextChars)).join(' or ')
}

function indent(line: string): string {
  return `  ${toPrintable(line, maxTextChars * 10).length === 0 ? '' : line}`
}
