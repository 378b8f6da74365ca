import { findUserDirectory } from '../client/find-user-directory.ts'
import { formatUtc } from '../protocol/dates.ts'
import { formatDuration } from '../base/duration.ts'
import type { Io } from '../base/io.ts'
import { readCachedCredentials } from '../client/credential-cache.ts'
import { findUsable } from '../client/find-usable.ts'
import { suggestCommand } from './hints/suggest-command.ts'
import type { Settings } from './options/settings.ts'

/** `status`: prints whose credentials are cached, for which endpoint, and when they expire; never a secret. Exit 1 when there are none or they are expired. */
export async function runStatus(settings: Settings, io: Io): Promise<number> {
  const profile = settings.get('profile') ?? 'default'
  const directory = findUserDirectory('cache', io)
  const cached = directory === undefined ? undefined : readCachedCredentials(directory, profile)
  const leftSeconds =
    cached === undefined ? 0 : Math.floor((cached.expiresAtMs - io.nowMs()) / 1000)
  const isUsable = findUsable(cached, io.nowMs(), 0) !== undefined
  const state = cached === undefined ? 'none' : isUsable ? 'valid' : 'expired'
  const facts = {
    profile,
    state,
    ...(cached === undefined
      ? {}
      : {
          endpoint: cached.stsEndpoint,
          accessKeyId: cached.accessKeyId,
          expiration: formatUtc(cached.expiresAtMs),
          secondsLeft: Math.max(0, leftSeconds),
        }),
  }
  if (settings.has('json')) io.writeStdout(`${JSON.stringify(facts, undefined, 2)}\n`)
  else io.writeStdout(describe(facts, leftSeconds))
  return state === 'valid' ? 0 : 1
}

function describe(
  facts: {
    profile: string
    state: string
    endpoint?: string
    accessKeyId?: string
    expiration?: string
  },
  leftSeconds: number,
): string {
  if (facts.endpoint === undefined)
    return `profile ${facts.profile}: no credentials; ${suggestCommand('login', facts.profile)} gets some\n`
  const lifetime =
    facts.state === 'valid'
      ? `valid for ${formatDuration(leftSeconds)} (until ${facts.expiration ?? ''})`
      : `expired at ${facts.expiration ?? ''}; ${suggestCommand('login', facts.profile)} gets new ones`
  return `profile ${facts.profile}: ${facts.accessKeyId ?? ''} at ${facts.endpoint}\n${lifetime}\n`
}
