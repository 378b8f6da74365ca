/** Where this user's configuration, cache and state are. On the hot path of `env`: it loads nothing. */
import type { Io } from '../base/io.ts'

type UserDirectory = 'config' | 'cache' | 'state'

/** What the folders depend on. */
type UserContext = Pick<Io, 'env' | 'platform'>

interface Location {
  /** A variable of the XDG Base Directory Specification. */
  readonly variable: string
  /** The folder below the home that counts without the variable. */
  readonly fallback: string
  readonly windowsVariable: string
}

const locations: Readonly<Record<UserDirectory, Location>> = {
  config: { variable: 'XDG_CONFIG_HOME', fallback: '.config', windowsVariable: 'APPDATA' },
  cache: { variable: 'XDG_CACHE_HOME', fallback: '.cache', windowsVariable: 'LOCALAPPDATA' },
  state: { variable: 'XDG_STATE_HOME', fallback: '.local/state', windowsVariable: 'LOCALAPPDATA' },
}

/**
 * Returns the folder of sts-cli for one kind of file, such as `~/.cache/sts-cli` (`%LOCALAPPDATA%\sts-cli` on Windows); undefined where there is
 * no home. A relative path in an XDG variable is ignored, as the XDG Base Directory Specification says.
 */
export function findUserDirectory(
  kind: UserDirectory,
  { env, platform }: UserContext,
): string | undefined {
  const { variable, fallback, windowsVariable } = locations[kind]
  const named = env[variable]
  if (named?.startsWith('/') === true) return `${named}/sts-cli`
  const base = env[platform === 'win32' ? windowsVariable : 'HOME']
  if (base === undefined || base === '') return undefined
  return platform === 'win32' ? `${base}\\sts-cli` : `${base}/${fallback}/sts-cli`
}

/** Returns the path of the configuration, such as `~/.config/sts-cli/config.toml`; undefined where there is no home. */
export function findConfigPath(context: UserContext): string | undefined {
  const directory = findUserDirectory('config', context)
  if (directory === undefined) return undefined
  return directory.startsWith('/') ? `${directory}/config.toml` : `${directory}\\config.toml`
}

/** Returns the home directory, `~`: `$HOME`, `%USERPROFILE%` on Windows; undefined where there is none. */
export function findHome({ env, platform }: UserContext): string | undefined {
  const home = env[platform === 'win32' ? 'USERPROFILE' : 'HOME']
  return home === '' ? undefined : home
}
