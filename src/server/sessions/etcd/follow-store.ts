/** Keeps the shared state fresh: reads it whole, then follows every change; starts over where changes were missed. */
import { StsCliError } from '../../../base/errors.ts'
import type { Log } from '../../../base/log.ts'
import type { EtcdClient } from './etcd-client.ts'
import { identityPrefix, iamPrefix, wholePrefixes } from './iam-records.ts'
import type { SharedState } from './shared-state.ts'

export interface FollowOptions {
  readonly client: EtcdClient
  readonly state: SharedState
  readonly keyPrefix: string
  readonly log: Log
  /** Time between two questions to the endpoint that is being followed. */
  readonly heartbeatMs: number
  /** Called whenever the store is found to answer. */
  readonly onAlive: () => void
}

export interface Following {
  /** Whether what is held is what the store holds, but for the moment a change is on its way. */
  readonly isCurrent: boolean
  close(): Promise<void>
}

/** Values of etcd's greatest size fit into one answer. */
const pageSize = 32
/** A watch that was asked for while etcd was silent may never be answered, though etcd is back: after this many heartbeats it is asked for anew. */
const maxOpeningBeats = 5
/** Read at start, so that they can be looked up while etcd is away; further ones are read when they are asked for. */
const maxIdentitiesRead = 10_000

/**
 * Reads everything, then follows it until closed.
 *
 * @throws {StsCliError} when the first reading fails: see `EtcdClient`.
 */
export async function followStore(options: FollowOptions): Promise<Following> {
  const closing = new AbortController()
  const { signal } = closing
  const position: Position = { fromRevision: next(await readAll(options)), isCurrent: true }
  const running = followUntilClosed(options, position, signal)
  return {
    get isCurrent() {
      return position.isCurrent
    },
    async close() {
      closing.abort()
      await running
    },
  }
}

/** How far the store has been followed. */
interface Position {
  fromRevision: string
  isCurrent: boolean
}

async function followUntilClosed(
  options: FollowOptions,
  position: Position,
  closing: AbortSignal,
): Promise<void> {
  const { client, log, heartbeatMs } = options
  while (!closing.aborted) {
    try {
      await followEndpoint(options, position, closing)
    } catch (error) {
      if (closing.aborted) return
      if (position.isCurrent)
        log.error(
          { reason: toReason(error) },
          'etcd is lost: what others issue or revoke is not seen until it is back',
        )
      position.isCurrent = false
      client.preferNext()
      const isGap = error instanceof StsCliError && error.code === 'ERR_DATA'
      if (isGap) position.fromRevision = await reread(options, position.fromRevision)
    }
    await pause(heartbeatMs, closing)
  }
}

/** Follows the preferred endpoint until it fails: throws why. */
async function followEndpoint(
  options: FollowOptions,
  position: Position,
  closing: AbortSignal,
): Promise<void> {
  const { client, state, keyPrefix, log, onAlive } = options
  const broken = linkTo(closing)
  const { signal } = broken
  const endpoint = client.preferred
  const { fromRevision } = position
  const watch = { prefix: keyPrefix + iamPrefix, fromRevision, endpoint }
  let isWatching = false
  const onBeat = (count: number): void => {
    if (!isWatching && count >= maxOpeningBeats) throw unheard()
    onAlive()
  }
  const heart = beat({ ...options, onBeat }, endpoint, signal).catch((error: unknown) =>
    broken.abort(error),
  )
  try {
    for await (const message of client.watch(watch, signal)) {
      isWatching = true
      if (!position.isCurrent) log.info({}, 'etcd is back')
      position.isCurrent = true
      onAlive()
      for (const change of message?.changes ?? []) state.apply(change)
      if (message !== undefined) position.fromRevision = next(message.revision)
    }
  } finally {
    broken.abort()
    await heart
    broken.unlink()
  }
  throw new StsCliError('etcd-watch-ended', 'etcd ended the watch', { stage: 'serve' })
}

/** The state from the start. @returns The revision it is of. */
async function readAll({ client, state, keyPrefix }: FollowOptions): Promise<string> {
  const seen = new Set<string>()
  let revision = ''
  const readPages = async (prefix: string, max: number): Promise<void> => {
    let afterKey: string | undefined
    for (let count = 0; count < max; count += pageSize) {
      const page = await client.readPrefix({ prefix, afterKey, limit: pageSize })
      // The first page's: changes while the others were read come again by the watch, which does no harm.
      if (revision === '') revision = page.revision
      for (const entry of page.entries) {
        seen.add(entry.key)
        state.apply(entry)
      }
      afterKey = page.entries.at(-1)?.key
      if (!page.hasMore || afterKey === undefined) return
    }
  }
  for (const prefix of wholePrefixes) await readPages(keyPrefix + prefix, Number.POSITIVE_INFINITY)
  await readPages(keyPrefix + identityPrefix, maxIdentitiesRead)
  state.retain(seen)
  return revision
}

async function reread(options: FollowOptions, fromRevision: string): Promise<string> {
  try {
    return next(await readAll(options))
  } catch (error) {
    options.log.warn({ reason: toReason(error) }, 'etcd could not be read again')
    return fromRevision
  }
}

function unheard(): StsCliError {
  return new StsCliError('etcd-watch-missing', 'etcd answers, but began no watch', {
    stage: 'serve',
  })
}

/** Asks the endpoint now and again; throws when it does not answer in two heartbeats. A silent watch says nothing by itself. */
async function beat(
  {
    client,
    keyPrefix,
    heartbeatMs,
    onBeat,
  }: FollowOptions & { readonly onBeat: (count: number) => void },
  endpoint: number,
  signal: AbortSignal,
): Promise<void> {
  for (let count = 1; ; count += 1) {
    await pause(heartbeatMs, signal)
    if (signal.aborted) return
    const limit = linkTo(signal)
    const late = (): void => limit.abort(new Error('no answer in two heartbeats'))
    const timer = setTimeout(late, 2 * heartbeatMs)
    try {
      await client.ping({ endpoint, key: keyPrefix + iamPrefix }, limit.signal)
    } finally {
      clearTimeout(timer)
      limit.unlink()
    }
    onBeat(count)
  }
}

/** Aborts with `outer` and by itself. Node 20 may collect `AbortSignal.any` of a timeout before it fires, and then nothing ends. */
function linkTo(outer: AbortSignal): {
  readonly signal: AbortSignal
  abort(reason?: unknown): void
  unlink(): void
} {
  const own = new AbortController()
  const end = (): void => own.abort(outer.reason)
  outer.addEventListener('abort', end)
  if (outer.aborted) end()
  return {
    signal: own.signal,
    abort: (reason) => own.abort(reason),
    unlink: () => outer.removeEventListener('abort', end),
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
    if (signal.aborted) end()
  })
}

function next(revision: string): string {
  return String(BigInt(revision === '' ? '0' : revision) + 1n)
}

function toReason(error: unknown): string {
  if (!(error instanceof StsCliError)) return String(error)
  return [error.message, error.serverMessage].filter((part) => part !== undefined).join(': ')
}
