/**
 * Reads a browser's upload form: the fields before its file, then the file as it arrives. The adapter of @fastify/busboy, which is fed only as
 * the file is read, so that a slow disk slows the sender.
 */
import type { BusboyInstance } from '@fastify/busboy'
import { AwsError } from '../../../protocol/aws-error.ts'
import type { HttpRequest } from '../../http/http-message.ts'
import { incompleteBody } from '../body/body-errors.ts'

export interface UploadForm {
  /** Lower-case name → value. */
  readonly fields: ReadonlyMap<string, string>
  /** As sent, with any path; empty where none was sent. */
  readonly fileName: string
  /** Throws at its end when the form was cut short. */
  readonly file: AsyncIterable<Buffer>
}

/** Names and values of all fields before the file (AWS, "POST Object": 20 KB). */
const maxFieldBytes = 20 * 1024
const maxFields = 200
/** The headers of one part. */
const maxHeaderBytes = 8 * 1024
/** Limit of all bytes before the file, with boundaries and part headers, and of the ignored fields after it. */
const maxAroundBytes = 128 * 1024

/**
 * Reads a form up to its file.
 *
 * @throws {AwsError} `MalformedPOSTRequest`, `IncompleteBody`; `MaxPostPreDataLengthExceeded` for too many or too long fields;
 *   `IncorrectNumberOfFilesInPostRequest` where there is no file; `InvalidArgument` for a field given twice.
 */
export async function readForm(
  request: Pick<HttpRequest, 'headers' | 'body'>,
): Promise<UploadForm> {
  const fields = collectFields()
  const parser = await openParser(request.headers.get('content-type') ?? '')
  const state: FormState = { isEnded: false, isFileEnded: false, pieces: [] }
  parser.on('error', () => (state.failure ??= malformed()))
  parser.on('finish', () => (state.isEnded = true))
  parser.on('fieldsLimit', () => (state.failure ??= tooMuch(`more than ${maxFields} fields`)))
  parser.on('field', (name: unknown, value, _isNameCut, isValueCut) => {
    if (state.fileName !== undefined) return
    try {
      fields.add(name, value, isValueCut)
    } catch (error) {
      state.failure ??= error
    }
  })
  parser.on('file', (_name, file, fileName: unknown) => {
    state.fileName = typeof fileName === 'string' ? fileName : ''
    file.on('data', (piece: Buffer) => void state.pieces.push(piece))
    file.on('end', () => (state.isFileEnded = true))
    file.on('error', () => (state.failure ??= malformed()))
  })
  const feed = createFeeder(request, parser, state)
  let fedBytes = 0
  while (state.fileName === undefined) {
    if (fedBytes > maxAroundBytes) throw tooMuch(`more than ${maxAroundBytes} bytes`)
    const bytes = await feed()
    if (bytes === undefined && state.fileName === undefined) throw noFile()
    fedBytes += bytes ?? 0
  }
  return { fields: fields.all, fileName: state.fileName, file: readFile(feed, state) }
}

interface FormState {
  /** Set when the file begins: fields after it are ignored. */
  fileName?: string
  isFileEnded: boolean
  isEnded: boolean
  failure?: unknown
  /** Parsed pieces of the file that have not been read yet. */
  readonly pieces: Buffer[]
}

/** Loads the package with the first form: most servers never see one. */
async function openParser(contentType: string): Promise<BusboyInstance> {
  const { Busboy } = await import('@fastify/busboy')
  try {
    return new Busboy({
      headers: { 'content-type': contentType },
      // AWS tells the file from the other fields by its name only.
      isPartAFile: (name) => name?.toLowerCase() === 'file',
      preservePath: true,
      limits: {
        fieldSize: maxFieldBytes,
        fields: maxFields,
        files: 1,
        headerSize: maxHeaderBytes,
        headerPairs: 16,
      },
    })
  } catch (error) {
    throw malformed(error)
  }
}

function collectFields(): {
  all: Map<string, string>
  add(name: unknown, value: string, isCut: boolean): void
} {
  const all = new Map<string, string>()
  let bytes = 0
  return {
    all,
    add(given, value, isCut) {
      if (typeof given !== 'string') throw malformed()
      const name = given.toLowerCase()
      bytes += Buffer.byteLength(name) + Buffer.byteLength(value)
      if (isCut || bytes > maxFieldBytes) throw tooMuch(`more than ${maxFieldBytes} bytes`)
      if (all.has(name))
        throw new AwsError('InvalidArgument', `the form has the field ${name.slice(0, 100)} twice`)
      all.set(name, value)
    },
  }
}

/** Returns what feeds the parser the next piece of the body; it resolves to the piece's length, or undefined at the end. */
function createFeeder(
  { body }: Pick<HttpRequest, 'body'>,
  parser: BusboyInstance,
  state: FormState,
): () => Promise<number | undefined> {
  // The body stays open when reading stops early, as the answer is still to be sent on its connection.
  const source = body.iterator({ destroyOnReturn: false })
  return async () => {
    const next = await source.next().catch((cause: unknown) => {
      throw incompleteBody(cause)
    })
    if (next.done === true) await endParser(parser, state)
    else await new Promise<void>((resolve) => parser.write(next.value, () => resolve()))
    if (state.failure !== undefined) throw state.failure
    return next.done === true ? undefined : (next.value as Buffer).length
  }
}

function endParser(parser: BusboyInstance, state: FormState): Promise<void> {
  return new Promise((resolve) => {
    if (state.isEnded || state.failure !== undefined) {
      resolve()
      return
    }
    parser.once('finish', resolve)
    parser.once('error', () => resolve())
    parser.end()
  })
}

async function* readFile(
  feed: () => Promise<number | undefined>,
  state: FormState,
): AsyncGenerator<Buffer, void, undefined> {
  let ignoredBytes = 0
  for (let isMore = true; isMore;) {
    const wasFileEnded = state.isFileEnded
    const bytes = await feedOnce(feed, state)
    isMore = bytes !== undefined
    if (wasFileEnded) ignoredBytes += bytes ?? 0
    if (ignoredBytes > maxAroundBytes) throw malformed()
    yield* state.pieces.splice(0)
  }
}

/** Feeds the parser, unless pieces that came with the fields are still waiting. */
async function feedOnce(
  feed: () => Promise<number | undefined>,
  { pieces }: FormState,
): Promise<number | undefined> {
  return pieces.length > 0 ? 0 : feed()
}

function malformed(cause?: unknown): AwsError {
  return new AwsError('MalformedPOSTRequest', 'the body is not well-formed multipart/form-data', {
    cause,
  })
}

function tooMuch(what: string): AwsError {
  return new AwsError('MaxPostPreDataLengthExceeded', `the form has ${what} before its file`)
}

function noFile(): AwsError {
  const message = 'the form must have one field named file, after all others'
  return new AwsError('IncorrectNumberOfFilesInPostRequest', message)
}
