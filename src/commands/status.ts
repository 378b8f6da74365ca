import { formatDuration } from '../base/duration.ts'
import type { Io } from '../base/io.ts'
import { findCacheDirectory, readCachedCredentials } from '../client/credential-cache.ts'
import { findUsable } from '../client/find-usable.ts'
import { ownCommand } from '../client/own-command.ts'
import type { ParsedArgv } from './options/parse-argv.ts'
import { createSettings } from './options/settings.ts'

/** `status`: whose credentials, for which endpoint, how long still; never a secret. Exit 1 when there are none or they are expired. */
export async function runStatus(parsed: ParsedArgv, io: Io): Promise<number> {
  const settings = createSettings(parsed, io)
  const profile = settings.get('profile') ?? 'default'
  const directory = findCacheDirectory(io.env, io.platform)
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
          expiration: new Date(cached.expiresAtMs).toISOString().replace('.000Z', 'Z'),
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
    return `profile ${facts.profile}: no credentials; ${ownCommand('login', facts.profile)} gets some\n`
  const life =
    facts.state === 'valid'
      ? `valid for ${formatDuration(leftSeconds)} (until ${facts.expiration ?? ''})`
      : `expired at ${facts.expiration ?? ''}; ${ownCommand('login', facts.profile)} gets new ones`
  return `profile ${facts.profile}: ${facts.accessKeyId ?? ''} at ${facts.endpoint}\n${life}\n`
}
