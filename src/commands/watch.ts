import { setTimeout } from 'node:timers/promises'
import type { Io } from '../base/io.ts'
import { isObject, readString, type JsonObject } from '../base/parse.ts'
import { askServer, findServerAccess, requestsPath } from './decisions/ask-server.ts'
import { choosePaint } from './decisions/choose-paint.ts'
import { describeInLine } from './decisions/describe-request.ts'
import { readRequestFilter } from './decisions/read-request-filter.ts'
import type { Settings } from './options/settings.ts'

/** The time between two questions. */
const intervalMs = 500
/** A request is known to the server at its end: one that took this long is shown all the same. */
const overlapMs = 60_000
/** The most requests of one answer, whose size is limited. */
const maxRequests = '500'
/** The most requests that are remembered as shown. */
const maxShown = 20_000

/** `watch`: prints the requests that a server decides, as they come, until it is interrupted; with `--once` those of before. */
export async function runWatch(settings: Settings, io: Io): Promise<number> {
  const access = await findServerAccess(settings, io)
  const paint = await choosePaint(settings, io)
  const isOnce = settings.has('once')
  const filter = readRequestFilter(settings, io.nowMs())
  // Without --since: those that come, or with --once all that are kept.
  const startMs = Number(filter['since'] ?? (isOnce ? 0 : io.nowMs()))
  const shown = new Set<string>()
  const signal = io.catchSignals()
  for (;;) {
    const sinceMs = shown.size === 0 ? startMs : Math.max(startMs, io.nowMs() - overlapMs)
    const query = { ...filter, since: String(Math.floor(sinceMs)), limit: maxRequests }
    const answer = await askServer(access, { path: requestsPath, query }, io.nowMs())
    for (const request of listNew(answer, shown))
      io.writeStdout(
        settings.has('json') ? `${JSON.stringify(request)}\n` : describeInLine(request, paint),
      )
    if (isOnce) return 0
    await setTimeout(intervalMs, undefined, { signal }).catch(() => {})
    if (signal.aborted) return 0
  }
}

/** Returns the requests that were not shown yet, and notes them. The questions themselves are not shown. */
function listNew(answer: JsonObject, shown: Set<string>): JsonObject[] {
  const requests = answer['requests']
  const found: JsonObject[] = []
  for (const request of Array.isArray(requests) ? requests.filter(isObject) : []) {
    const id = readString(request, 'id') ?? ''
    if (shown.has(id) || readString(request, 'operation') === 'ListRequests') continue
    if (shown.size >= maxShown) shown.clear()
    shown.add(id)
    found.push(request)
  }
  return found
}
