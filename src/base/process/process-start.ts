import { execFileSync } from 'node:child_process'
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
    const ask = ['-o', 'lstart=', '-p', String(pid)]
    return readQuietly(() => execFileSync('ps', ask, { encoding: 'utf8', timeout: 2000 }).trim())
  }
  const stat = readQuietly(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  // the name, in parentheses, may contain any characters
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
