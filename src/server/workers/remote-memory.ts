/** The memory of logins among processes. The primary has it; workers ask it over their channel. */
import { createLoginMemory, type LoginMemory } from '../aws-login/login-memory.ts'
import type { MemoryQuestion, ToPrimary, ToWorker } from './messages.ts'

type Result = string | boolean | undefined

export interface RemoteMemory extends LoginMemory {
  /** Gives the primary's answer to whoever asked. */
  settle(question: number, result: Result): void
}

/** Returns a worker's memory. */
export function createRemoteMemory(send: (message: ToPrimary) => void): RemoteMemory {
  const waiting = new Map<number, (result: Result) => void>()
  let last = 0
  const ask = (question: MemoryQuestion): Promise<Result> =>
    new Promise((resolve) => {
      last += 1
      waiting.set(last, resolve)
      send({ kind: 'remember', question: last, ...question })
    })
  return {
    add: async (key, value, endsAtMs) =>
      (await ask({ call: 'add', key, value, endsAtMs })) === true,
    change: async (key, from, value) => (await ask({ call: 'change', key, from, value })) === true,
    read: async (key) => toText(await ask({ call: 'read', key })),
    take: async (key) => toText(await ask({ call: 'take', key })),
    settle(question, result) {
      waiting.get(question)?.(result)
      waiting.delete(question)
    },
  }
}

function toText(result: Result): string | undefined {
  return typeof result === 'string' ? result : undefined
}

type Question = ToPrimary & { readonly kind: 'remember' }

/** Returns the primary's memory, as a function that answers a worker's question. */
export function createMemoryServer(): (
  question: Question,
  tell: (answer: ToWorker) => void,
) => Promise<void> {
  const memory = createLoginMemory(() => Date.now())
  return async (message, tell) => {
    const result = await answer(memory, message)
    tell({ kind: 'remembered', question: message.question, result })
  }
}

async function answer(
  memory: LoginMemory,
  { call, key, value = '', from = '', endsAtMs = 0 }: MemoryQuestion,
): Promise<Result> {
  switch (call) {
    case 'add':
      return memory.add(key, value, endsAtMs)
    case 'change':
      return memory.change(key, from, value)
    case 'read':
      return memory.read(key)
    case 'take':
      return memory.take(key)
  }
}
