/** Which process a process number means: the system gives numbers again, to other processes. */
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { isAlive } from './is-alive.ts'

/** The context in which a process id is meaningful; unknown parts are empty. */
export interface Machine {
  readonly host: string
  /** The id of this boot of the machine; its containers have the same. */
  readonly boot: string
  /** The namespace of process ids: each container has its own. */
  readonly namespace: string
}

/** @returns This machine as this process sees it. */
export function describeMachine(): Machine {
  return {
    host: hostname(),
    boot: readQuietly(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    namespace: readQuietly(() => readlinkSync('/proc/self/ns/pid')),
  }
}

/**
 * @returns The start time of a process of this machine, in the system's own format: a reused process id has another start time.
 *   Empty if it cannot be determined, undefined when there is no such process, or only a zombie (proc(5), «/proc/pid/stat»:
 *   state and starttime).
 */
export function readProcessStart(pid: number): string | undefined {
  if (!isAlive(pid)) return undefined
  if (process.platform === 'win32') return ''
  if (process.platform !== 'linux') {
    const argv = ['-o', 'lstart=', '-p', String(pid)]
    // Loaded here only: a login reads this module, and node:child_process would be a large part of its start.
    const { execFileSync } = process.getBuiltinModule('node:child_process')
    return readQuietly(() => execFileSync('ps', argv, { encoding: 'utf8', timeout: 2000 }).trim())
  }
  const stat = readQuietly(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  // the name, in parentheses, may contain any characters
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined
  return fields[19] ?? ''
}

/**
 * Returns a word for one process that no later process with the same number has: the machine's boot id, and the process's start in clock
 * ticks since that boot (proc_pid_stat(5), field 22). It costs two reads and never starts a program.
 *
 * @returns Undefined where the system does not say (macOS, Windows), or for a process that is gone.
 */
export function identifyProcess(pid: number): string | undefined {
  const { boot } = describeMachine()
  if (boot === '') return undefined
  const startedAt = readProcessStart(pid) ?? ''
  return startedAt === '' ? undefined : `${boot} ${startedAt}`
}

function readQuietly(read: () => string): string {
  try {
    return read()
  } catch {
    return ''
  }
}
