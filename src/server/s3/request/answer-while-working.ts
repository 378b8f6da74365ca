/** Begins the answer to long work while the work runs, so that a client which gives up on a silent server waits for its end. */
import { Readable } from 'node:stream'
import { AwsError } from '../../../protocol/aws-error.ts'
import { isByteSource, type HttpReply } from '../../http/http-message.ts'
import type { LongWork } from './s3-operation.ts'

/** Time between two pieces of white space. AWS's SDK for C++ gives up after three seconds of silence. */
const tickMs = 1000
/** One byte a second is not enough: that SDK lets curl give up below one byte a second, which a tick that is late by a little falls below. */
const whiteSpace = ' '.repeat(32)
const noop = (): void => {}
const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n'

/** Runs a function after a delay, and returns a function that cancels it. */
export type Schedule = (delayMs: number, run: () => void) => () => void

export interface AnswerOptions {
  readonly after?: Schedule | undefined
  /** Returns the refusal that the client gets for an error of the work. */
  toRefusal(error: unknown): AwsError
  /** Returns the Error document of a refusal. */
  toDocument(refusal: AwsError): string
}

/**
 * Returns the reply of the work if it ends before its silence. Otherwise returns a reply with the status 200 whose body is the XML declaration,
 * white space while the work runs, and then the document; in place of the document, an Error document if the work failed.
 *
 * @throws Whatever the work throws during the silence.
 */
export async function answerWhileWorking(
  { silenceMs, work }: LongWork,
  options: AnswerOptions,
): Promise<HttpReply> {
  const { after = runAfter } = options
  const gone = new AbortController()
  let cancel = noop
  let running: Promise<HttpReply> | undefined
  if (silenceMs === 0)
    return openAnswer(startLater(work, gone.signal), {}, { ...options, after, gone })
  const begun = new Promise<HttpReply['headers']>((begin) => {
    cancel = after(silenceMs, () => begin({}))
    running = work(gone.signal, begin)
  })
  if (running === undefined) throw new Error('the work did not start')
  const result = running.then((reply) => ({ reply }))
  const first = await Promise.race([result, begun.then((headers) => ({ headers }))]).finally(cancel)
  if ('reply' in first) return first.reply
  return openAnswer(running, first.headers, { ...options, after, gone })
}

/** Starts the work in the next turn of the event loop, after the beginning of the answer was sent. */
async function startLater(work: LongWork['work'], signal: AbortSignal): Promise<HttpReply> {
  await new Promise((resolve) => setImmediate(resolve))
  return work(signal, noop)
}

function openAnswer(
  running: Promise<HttpReply>,
  headers: HttpReply['headers'],
  options: AnswerOptions & { readonly after: Schedule; readonly gone: AbortController },
): HttpReply {
  const { after, gone } = options
  let cancel = noop
  const body = new Readable({
    read() {},
    destroy(error, done) {
      cancel()
      gone.abort(clientGone())
      done(error)
    },
  })
  const wait = (): void => {
    cancel = after(tickMs, () => {
      body.push(whiteSpace)
      wait()
    })
  }
  const end = (document: string): void => {
    cancel()
    if (body.destroyed) return
    body.push(document.replace(/^\s*<\?xml[^>]*\?>\s*/, ''))
    body.push(null)
  }
  body.push(declaration)
  wait()
  const failure = running.then(readDocument).then(
    (document) => {
      end(document)
      return undefined
    },
    (error: unknown) => {
      const refusal = gone.signal.aborted ? clientGone() : options.toRefusal(error)
      end(options.toDocument(refusal))
      return refusal
    },
  )
  return { status: 200, headers: { ...headers, 'content-type': 'application/xml' }, body, failure }
}

function readDocument({ body = '' }: HttpReply): string {
  if (body instanceof Readable || isByteSource(body))
    throw new Error('the document of long work is a stream')
  return typeof body === 'string' ? body : Buffer.from(body).toString()
}

/** Returns the error that the log names when the client closed its connection; MinIO's code and status for it. */
function clientGone(): AwsError {
  const message = 'the client closed its connection before the work was done'
  return new AwsError('ClientDisconnected', message, { status: 499 })
}

function runAfter(delayMs: number, run: () => void): () => void {
  const timer = setTimeout(run, delayMs)
  return () => clearTimeout(timer)
}
