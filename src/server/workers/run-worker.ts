/** The life of a worker: it gets its options from the primary, reports when it is ready, and stops when the primary says so. */
import cluster from 'node:cluster'
import { StsCliError } from '../../base/errors.ts'
import type { RunningServer } from '../create-server.ts'
import type { Peers } from '../options/peers.ts'
import type { Revocation } from '../sessions/share-revocations.ts'
import { createRemoteLocks, type RemoteLocks } from './locks.ts'
import { createRemoteMemory, type RemoteMemory } from './remote-memory.ts'
import type { StartFailure, ToPrimary, ToWorker } from './messages.ts'
import type { WorkerOptions } from './worker-options.ts'

/** Starts the server with what the primary sent. */
export type StartServer = (options: WorkerOptions, peers: Peers) => Promise<RunningServer>

/**
 * Serves until the primary says stop. If the primary ends without doing so, Node ends this process.
 *
 * @returns Exit code.
 */
export function runWorker(start: StartServer): Promise<number> {
  const { link, take } = openLink()
  let server: Promise<RunningServer | undefined> = Promise.resolve(undefined)
  return new Promise((resolve) => {
    cluster.worker?.on('message', (message: ToWorker) => {
      if (message.kind === 'start') server = begin(start(message.options, link))
      else if (message.kind === 'stop') resolve(end(server))
      else take(message)
    })
    send({ kind: 'here' })
  })
}

async function begin(starting: Promise<RunningServer>): Promise<RunningServer | undefined> {
  try {
    const server = await starting
    send({ kind: 'ready', url: server.url.href })
    return server
  } catch (error) {
    send({ kind: 'failed', failure: describe(error) })
    return undefined
  }
}

async function end(server: Promise<RunningServer | undefined>): Promise<number> {
  await (await server)?.stop()
  return 0
}

function send(message: ToPrimary): void {
  // If the primary has ended, Node ends this process.
  cluster.worker?.send(message, () => {})
}

function openLink(): { link: Peers; take: (message: ToWorker) => void } {
  const locks: RemoteLocks = createRemoteLocks(send)
  const memory: RemoteMemory = createRemoteMemory(send)
  const requests = new Map<number, (counts: object[]) => void>()
  const early: Revocation[] = []
  let listen = (revocation: Revocation): void => void early.push(revocation)
  let count: (() => Promise<object>) | undefined
  let answerQuestion: ((question: object) => Promise<object | undefined>) | undefined
  let last = 0
  const collect = (about?: object): Promise<object[]> => {
    last += 1
    send({ kind: 'collect', question: last, about })
    return new Promise((resolve) => requests.set(last, resolve))
  }
  const link: Peers = {
    locks,
    loginMemory: memory,
    announceRevocation: (revocation) => send({ kind: 'revoked', revocation }),
    onRevocation(listener) {
      listen = listener
      for (const revocation of early.splice(0)) listener(revocation)
    },
    onCount: (counter) => {
      count = counter
    },
    collectCounts: () => collect(),
    onQuestion: (given) => {
      answerQuestion = given
    },
    async ask(question) {
      const answers = await collect(question)
      return answers.filter((each) => !Array.isArray(each))
    },
  }
  return {
    link,
    take(message) {
      if (message.kind === 'granted') locks.grant(message.lock)
      if (message.kind === 'remembered') memory.settle(message.question, message.result)
      if (message.kind === 'revoked') listen(message.revocation)
      if (message.kind === 'count') {
        const { collection, about } = message
        void answer(collection, about ? () => answerQuestion?.(about) : count)
      }
      if (message.kind !== 'counts') return
      requests.get(message.question)?.(message.counts)
      requests.delete(message.question)
    },
  }
}

async function answer(
  collection: number,
  count: (() => Promise<object | undefined> | undefined) | undefined,
): Promise<void> {
  // An empty list is no answer.
  send({ kind: 'counted', collection, counts: (await count?.()) ?? [] })
}

function describe(error: unknown): StartFailure {
  if (error instanceof StsCliError) {
    const { reason, message, details, serverMessage } = error
    return { reason, message, details, serverMessage }
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { reason: undefined, message: text }
}
