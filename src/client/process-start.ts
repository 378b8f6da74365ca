/** Which process a process id means: ids are given again, to another process. */
import { readFileSync } from 'node:fs'

/**
 * When a process started, as a word that no later process with the same id has: Linux's boot id and the start time in clock ticks since that
 * boot (proc_pid_stat(5), field 22).
 *
 * @returns Undefined where the system does not say: on macOS and Windows, or for a process that is gone.
 */
export function readProcessStart(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The program's name is in parentheses and may hold spaces and parentheses itself, so fields are counted from its end.
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return ticks === undefined || ticks === '' ? undefined : `${boot} ${ticks}`
  } catch {
    return undefined
  }
}
