import type { LoginMemory } from '../aws-login/login-memory.ts'
import type { KeyLocks } from '../s3/filesystem/key-locks.ts'
import type { RevocationChannel } from '../sessions/share-revocations.ts'

/** A worker's link to the other processes of its server. A server of one process has no peers. */
export interface Peers extends RevocationChannel {
  /** Locks among all processes. */
  readonly locks: KeyLocks
  /** What logins of AWS's tools must remember, for all processes. */
  readonly loginMemory: LoginMemory
  /** Registers the function that returns this process's counts whenever they are collected. */
  onCount(count: () => Promise<object>): void
  /** Resolves to the counts of every process that answers within a second, this one's among them. */
  collectCounts(): Promise<object[]>
  /** Registers the function that answers the questions of any process of the server; undefined is no answer. */
  onQuestion(answer: (question: object) => Promise<object | undefined>): void
  /** Resolves to the answers of every process that gives one within a second, this one's among them. */
  ask(question: object): Promise<object[]>
}
