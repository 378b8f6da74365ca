import { spawnSync } from 'node:child_process'
import path from 'node:path'
import process from 'node:process'

/** Returns an input of the action, as the runner passes it; empty where it is not given. */
export function readInput(name) {
  return (process.env[`INPUT_${name.toUpperCase()}`] ?? '').trim()
}

/**
 * Runs sts-cli with the configuration and the cache in the folder only: neither a profile of the runner's user nor a variable of the job counts.
 *
 * @param words The command and its flags; nothing that an input gives.
 * @returns The exit code.
 */
export function runCli(folder, words) {
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith('STS_CLI_'))
  const env = {
    ...Object.fromEntries(others),
    STS_CLI_CONFIG: path.join(folder, 'config.toml'),
    XDG_CACHE_HOME: folder,
    LOCALAPPDATA: folder,
  }
  const command = `${readInput('command')} ${words}`
  return spawnSync(command, { env, shell: true, stdio: 'inherit' }).status ?? 1
}
