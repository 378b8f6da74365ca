/**
 * A slow and simple reading of IAM's documented rules, independent of the server's code (IAM User Guide, "Policy evaluation logic", "IAM JSON
 * policy elements", "Condition operators", "Multiple context keys or values"). A comment says where the server departs from AWS on purpose.
 */

export interface Statement {
  readonly Effect: 'Allow' | 'Deny'
  readonly Action?: readonly string[]
  readonly NotAction?: readonly string[]
  readonly Resource?: readonly string[]
  readonly NotResource?: readonly string[]
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>
}

export interface Asked {
  readonly action: string
  /** `bucket`, `bucket/key`, or empty for the service. */
  readonly at: string
  /** Lower-case condition key → values; a key that the request lacks is absent. */
  readonly context: Readonly<Record<string, readonly string[]>>
}

/** Every statement is evaluated; an explicit deny overrides every allow. */
export function evaluate(
  statements: readonly Statement[],
  asked: Asked,
): 'Allow' | 'Deny' | 'none' {
  const applying = new Set(
    statements.filter((statement) => applies(statement, asked)).map(({ Effect }) => Effect),
  )
  if (applying.has('Deny')) return 'Deny'
  return applying.has('Allow') ? 'Allow' : 'none'
}

function applies(statement: Statement, asked: Asked): boolean {
  return (
    isActionMeant(statement, asked) &&
    isResourceMeant(statement, asked) &&
    doAllHold(statement, asked)
  )
}

function isActionMeant({ Action, NotAction = [] }: Statement, { action }: Asked): boolean {
  if (Action !== undefined) return Action.some((pattern) => isLike(toPieces(pattern), action))
  return !NotAction.some((pattern) => isLike(toPieces(pattern), action))
}

function isResourceMeant({ Effect, Resource, NotResource = [] }: Statement, asked: Asked): boolean {
  const isNamed = (resource: string): boolean => {
    const pieces = fill(resource.replace(/^arn:aws:s3:::/, ''), asked)
    if (pieces === undefined) return false
    // A departure, as in MinIO: `bucket/*` also names the bucket.
    const names = asked.at.includes('/') ? [asked.at] : [asked.at, `${asked.at}/`]
    return names.some((name) => isLike(pieces, name))
  }
  if (Resource !== undefined) return Resource.some(isNamed)
  // A departure: an exclusion without a value would allow everything, so the statement allows nothing.
  if (Effect === 'Allow' && NotResource.some((resource) => fill(resource, asked) === undefined))
    return false
  return !NotResource.some(isNamed)
}

/** Returns true if all operators hold, each for all its keys. */
function doAllHold({ Effect, Condition = {} }: Statement, asked: Asked): boolean {
  return Object.entries(Condition).every(([operator, keys]) =>
    Object.entries(keys).every(([key, wanted]) => holds({ Effect, operator, key, wanted }, asked)),
  )
}

interface Test {
  readonly Effect: 'Allow' | 'Deny'
  readonly operator: string
  readonly key: string
  readonly wanted: readonly string[]
}

function holds({ Effect, operator, key, wanted }: Test, asked: Asked): boolean {
  const values = asked.context[key.toLowerCase()]
  if (operator === 'Null')
    return wanted.some((value) => (value === 'true') === (values === undefined))
  const [quantifier, word] = operator.includes(':') ? operator.split(':') : [undefined, operator]
  const isIfExists = word?.endsWith('IfExists') ?? false
  const name = word?.replace('IfExists', '') ?? ''
  const isNegated = name.includes('Not')
  if (values === undefined) {
    // Without the key: IfExists and ForAllValues are true, ForAnyValue is false, and a negated operator without a quantifier is true.
    return isIfExists || quantifier === 'ForAllValues' || (quantifier === undefined && isNegated)
  }
  const filled = wanted.map((value) => fill(value, asked))
  // The same departure as for resources.
  if (isNegated && Effect === 'Allow' && filled.includes(undefined)) return false
  const positive = name.replace('Not', '')
  const meets = (value: string): boolean =>
    filled.some((pieces) => pieces !== undefined && compare(positive, pieces, value)) !== isNegated
  return quantifier === 'ForAllValues' || (quantifier === undefined && isNegated)
    ? values.every(meets)
    : values.some(meets)
}

function compare(operator: string, pieces: readonly Piece[], value: string): boolean {
  const text = pieces.map(({ character }) => character).join('')
  switch (operator) {
    case 'StringEquals':
      return value === text
    case 'StringEqualsIgnoreCase':
    case 'Bool':
      return value.toLowerCase() === text.toLowerCase()
    case 'StringLike':
      return isLike(pieces, value)
    case 'NumericEquals':
      return Number(value) === Number(text)
    case 'NumericLessThan':
      return Number(value) < Number(text)
    case 'NumericGreaterThanEquals':
      return Number(value) >= Number(text)
    default:
      throw new Error(`the model does not know ${operator}`)
  }
}

/** One character of a pattern; `isSign` is true for a `*` or `?` that is a wildcard. */
interface Piece {
  readonly character: string
  readonly isSign: boolean
}

function toPieces(pattern: string): Piece[] {
  return [...pattern].map((character) => ({
    character,
    isSign: character === '*' || character === '?',
  }))
}

/** Replaces variables; their values are text, not wildcards. Returns undefined if the request has no value for one. */
function fill(pattern: string, asked: Asked): Piece[] | undefined {
  const found = /\$\{([^}]*)\}/.exec(pattern)
  if (found === null) return toPieces(pattern)
  const [whole, name = ''] = found
  const value = ['*', '?', '$'].includes(name) ? name : asked.context[name.toLowerCase()]?.[0]
  const rest = fill(pattern.slice(found.index + whole.length), asked)
  if (value === undefined || value === '' || rest === undefined) return undefined
  const literal = [...value].map((character) => ({ character, isSign: false }))
  return [...toPieces(pattern.slice(0, found.index)), ...literal, ...rest]
}

/** Tries everything: a `*` is nothing, or one character and the same `*` again. */
function isLike(pieces: readonly Piece[], text: string): boolean {
  const [first, ...others] = pieces
  if (first === undefined) return text === ''
  if (first.isSign && first.character === '*')
    return isLike(others, text) || (text !== '' && isLike(pieces, text.slice(1)))
  if (text === '') return false
  return (first.isSign || first.character === text[0]) && isLike(others, text.slice(1))
}
