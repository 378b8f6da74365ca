/** One operation of a run: timed, counted, and excused only where the server was killed under it. */

/** What an operation gives that found nothing to be done on: it is not counted. */
export const nothingToDo = Symbol('nothing to do')

/** An answer that was not asked for. No kill excuses it. */
export class UnexpectedAnswer extends Error {}

/**
 * Runs an operation. `act` throws what went wrong; a broken connection is excused when the server was killed meanwhile.
 *
 * @returns Whether it ended as it should.
 */
export async function attempt({ server, report }, kind, act) {
  const { epoch } = server
  const startedAt = performance.now()
  try {
    if ((await act(epoch)) !== nothingToDo) report.note(kind, performance.now() - startedAt)
    return true
  } catch (error) {
    const isExcused = !(error instanceof UnexpectedAnswer) && server.wasCutSince(epoch)
    if (isExcused) report.note('(cut by a kill)', performance.now() - startedAt)
    else report.fault(kind, error.message)
    return false
  }
}

/** Requires a status, and a code where one is named: `'403 AccessDenied'`. @throws {UnexpectedAnswer} */
export function expectAnswer(answer, ...wanted) {
  const seen = new Set([String(answer.status), `${answer.status} ${answer.code}`])
  if (wanted.some((one) => seen.has(String(one)))) return answer
  throw new UnexpectedAnswer(`answered ${describeAnswer(answer)} instead of ${wanted.join(' or ')}`)
}

/** @throws {UnexpectedAnswer} with the sentence, where there is one. */
export function expectNothing(sentence) {
  if (sentence !== undefined) throw new UnexpectedAnswer(sentence)
}

export function describeAnswer({ status, code, headers, body }) {
  const message = /<Message>([^<]*)/.exec(body?.toString('latin1') ?? '')?.[1]
  const size = headers?.['content-length'] ?? body?.length
  return `${status} ${code ?? ''}${message === undefined ? '' : ` (${message})`}, ${size} bytes, etag ${headers?.etag}`
}
