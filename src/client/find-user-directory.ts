/** The path of the configuration. On the hot path of `env`: it loads nothing. */
import type { Io } from '../base/io.ts'

/** Returns the home directory, `~`: `$HOME`, `%USERPROFILE%` on Windows; undefined where there is none. */
export function findHome({ env, platform }: Pick<Io, 'env' | 'platform'>): string | undefined {
  const home = env[platform === 'win32' ? 'USERPROFILE' : 'HOME']
  return home === '' ? undefined : home
}

/** `$XDG_CONFIG_HOME/sts-cli/config.toml`, else `~/.config/sts-cli/config.toml` (`%APPDATA%\sts-cli\config.toml` on Windows); undefined where there is no home. */
export function findConfigPath(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
): string | undefined {
  const xdg = env['XDG_CONFIG_HOME']
  if (xdg !== undefined && xdg.startsWith('/')) return `${xdg}/sts-cli/config.toml`
  const isWindows = platform === 'win32'
  const home = isWindows ? env['APPDATA'] : env['HOME']
  if (home === undefined || home === '') return undefined
  return isWindows ? `${home}\\sts-cli\\config.toml` : `${home}/.config/sts-cli/config.toml`
}
