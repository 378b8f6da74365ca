import { execFileSync } from 'node:child_process'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { isAlive } from './is-alive.ts'

/** Where a process number means something: what is unknown is empty. */
export interface Machine {
  readonly host: string
  /** Of this start of the machine; containers on it have the same. */
  readonly boot: string
  /** The namespace of process numbers: a container has its own. */
  readonly namespace: string
}

/** @returns This machine, as it is seen from this process. */
export function describeMachine(): Machine {
  return {
    host: hostname(),
    boot: readQuietly(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    namespace: readQuietly(() => readlinkSync('/proc/self/ns/pid')),
  }
}

/**
 * @returns When a process of this machine began, in the system's own words: a number that was given to another process since
 *   has another start. Empty where that cannot be known, undefined when there is no such process, or a dead one that nobody
 *   has waited for (proc(5), «/proc/pid/stat»: state and starttime).
 */
export function readProcessStart(pid: number): string | undefined {
  if (!isAlive(pid)) return undefined
  if (process.platform === 'win32') return ''
  if (process.platform !== 'linux') {
    const ask = ['-o', 'lstart=', '-p', String(pid)]
    return readQuietly(() => execFileSync('ps', ask, { encoding: 'utf8', timeout: 2000 }).trim())
  }
  const stat = readQuietly(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  // the name, in parentheses, may hold anything
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined
  return fields[19] ?? ''
}

function readQuietly(read: () => string): string {
  try {
    return read()
  } catch {
    return ''
  }
}
