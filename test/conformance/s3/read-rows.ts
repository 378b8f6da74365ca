/**
 * Reads the rows of the conformance table. A row is a title at the start of a line, and below it, indented by two spaces, its steps:
 *
 *     A range is answered with its bytes.
 *       PUT key "hello"
 *       GET key => 206
 *         > range: bytes=1-3
 *         < content-range: bytes 1-3/5
 *         << ell
 *
 * A target without a leading slash is in the row's own bucket, which exists before the first step. Below a step: `>` a header of the request,
 * `>>` a line of its body, `<` a header of the answer, `<<` its body, `xml` an element of its document (a path below the root), `save` a
 * variable for later steps, `as` another way to sign, `field` a field of an upload form. What a header or an element is compared with: `= text`, `= [a, b]` for several
 * elements, `matches regexp`, `absent`, `present`, `count n`. A line that begins with `#` is a comment.
 */
export interface Comparison {
  readonly kind: '=' | 'matches' | 'absent' | 'present' | 'count'
  readonly text: string
}

export interface Expectation {
  readonly where: 'header' | 'xml'
  /** A header's name, or the path of an element, such as `Contents/Key`; `/` is the root's name. */
  readonly name: string
  readonly comparison: Comparison
}

export interface Step {
  readonly method: string
  readonly target: string
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string | undefined
  /** The fields of an upload form, which is then the body. */
  readonly fields: readonly (readonly [string, string])[]
  /** Ways to sign: see `sendStep`. */
  readonly signing: readonly string[]
  readonly status: number
  readonly code: string | undefined
  readonly expectations: readonly Expectation[]
  /** The exact body of the answer. */
  readonly answer: string | undefined
  /** Variable → `UploadId` (an element) or `<etag` (a header). */
  readonly saved: readonly (readonly [string, string])[]
}

export interface Row {
  readonly topic: string
  readonly title: string
  /** Features that an endpoint may lack. */
  readonly needs: readonly string[]
  /** Undefined if the row creates its bucket itself; else the headers of its creation. */
  readonly bucket: readonly (readonly [string, string])[] | undefined
  readonly steps: readonly Step[]
}

type Writable<T> = {
  -readonly [Name in keyof T]: T[Name] extends readonly (infer U)[] ? U[] : T[Name]
}

/** A row while it is read. */
type Draft = Writable<Omit<Row, 'steps'>> & { steps: Writable<Step>[] }

/** Parses the rows of a topic. @throws {Error} naming the line that cannot be read. */
export function readRows(topic: string, text: string): Row[] {
  const rows: Draft[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const row = rows.at(-1)
    const step = row?.steps.at(-1)
    const isRead = /^\S/.test(line)
      ? rows.push({ topic, title: line, needs: [], bucket: [], steps: [] }) > 0
      : /^ {2}\S/.test(line)
        ? row !== undefined && readRowLine(row, line.slice(2))
        : step !== undefined && /^ {4}\S/.test(line) && readStepLine(step, line.slice(4))
    if (!isRead) throw new Error(`${topic}, line ${index + 1} cannot be read: ${line}`)
  }
  return rows
}

function readRowLine(row: Draft, line: string): boolean {
  const [, word, rest = ''] = /^(needs|bucket) (.*)$/.exec(line) ?? []
  if (word === 'needs') row.needs = rest.split(' ')
  if (word === 'bucket')
    row.bucket = rest === 'none' ? undefined : [...(row.bucket ?? []), toHeader(rest)]
  if (word !== undefined) return true
  const match = /^([A-Z]+)(?: ([^\s"]+))?(?: "(.*)")?(?: => (\d{3})(?: (\w+))?)?$/.exec(line)
  if (match === null) return false
  const [, method = '', target = '', body, status = '200', code] = match
  const empty = {
    headers: [],
    fields: [],
    signing: [],
    expectations: [],
    answer: undefined,
    saved: [],
  }
  row.steps.push({ method, target, body, status: Number(status), code, ...empty })
  return true
}

function readStepLine(step: Writable<Step>, line: string): boolean {
  const [, word = '', rest = ''] = /^(>>|<<|[<>]|xml|save|as|field)(?: (.*))?$/.exec(line) ?? []
  if (word === '>') step.headers.push(toHeader(rest))
  else if (word === '>>') step.body = step.body === undefined ? rest : `${step.body}\n${rest}`
  else if (word === '<<') step.answer = step.answer === undefined ? rest : `${step.answer}\n${rest}`
  else if (word === 'as') step.signing.push(rest)
  else if (word === 'save' || word === 'field') {
    const [name = '', ...text] = rest.split(' = ')
    const pairs = word === 'save' ? step.saved : step.fields
    pairs.push([name, text.join(' = ')])
  } else if (word === '<' || word === 'xml') {
    const [, name = '', comparison = ''] =
      (word === '<' ? /^([\w-]+)(?:: | )(.*)$/ : /^(\S+) (.*)$/).exec(rest) ?? []
    const isPlainHeader = word === '<' && rest.startsWith(`${name}: `)
    const read = isPlainHeader ? { kind: '=' as const, text: comparison } : toComparison(comparison)
    if (read === undefined) return false
    step.expectations.push({ where: word === '<' ? 'header' : 'xml', name, comparison: read })
  } else return false
  return true
}

function toHeader(text: string): readonly [string, string] {
  const at = text.indexOf(':')
  return [text.slice(0, at), text.slice(at + 1).trim()]
}

function toComparison(text: string): Comparison | undefined {
  const [, kind, rest = ''] = /^(=|matches|absent|present|count)(?: (.*))?$/.exec(text) ?? []
  return kind === undefined ? undefined : { kind: kind as Comparison['kind'], text: rest }
}
