import { readSeconds, type Settings } from '../options/settings.ts'

/** Returns the parameters of a question about requests that the flags name. Without `--since` there is no limit in time. */
export function readRequestFilter(settings: Settings, nowMs: number): Record<string, string> {
  const filter: Record<string, string> = {}
  if (settings.has('denied')) filter['denied'] = 'true'
  if (settings.has('would-be-denied')) filter['would-be-denied'] = 'true'
  for (const name of ['principal', 'action', 'bucket']) {
    const value = settings.get(name)
    if (value !== undefined) filter[name] = value
  }
  const sinceSeconds = readSeconds(settings, 'since')
  if (sinceSeconds !== undefined)
    filter['since'] = String(Math.max(0, Math.floor(nowMs - sinceSeconds * 1000)))
  return filter
}
