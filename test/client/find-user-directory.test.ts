import { describe, expect, it } from 'vitest'
import { findConfigPath, findUserDirectory } from '../../src/client/find-user-directory.ts'

describe('folder of the user', () => {
  const cases: [string, string, string][] = [
    ['config', 'XDG_CONFIG_HOME', '/h/.config/sts-cli'],
    ['cache', 'XDG_CACHE_HOME', '/h/.cache/sts-cli'],
    ['state', 'XDG_STATE_HOME', '/h/.local/state/sts-cli'],
  ]

  it.each(cases)('the %s folder is that of %s, else %s', (kind, variable, fallback) => {
    const find = (env: Record<string, string>, platform: NodeJS.Platform = 'linux'): unknown =>
      findUserDirectory(kind as 'config', { env, platform })
    expect(find({ HOME: '/h' })).toBe(fallback)
    expect(find({ HOME: '/h', [variable]: '/x' })).toBe('/x/sts-cli')
    expect(find({ HOME: '/h', [variable]: '/x' }, 'darwin')).toBe('/x/sts-cli')
    expect(find({ HOME: '/h', [variable]: 'relative' })).toBe(fallback)
    expect(find({ HOME: '/h', [variable]: '' })).toBe(fallback)
    expect(find({ HOME: '' })).toBeUndefined()
    expect(find({})).toBeUndefined()
  })

  it.each(cases)('the %s folder on Windows is that of %s, else of the user', (kind, variable) => {
    const own = kind === 'config' ? 'APPDATA' : 'LOCALAPPDATA'
    const find = (env: Record<string, string>): unknown =>
      findUserDirectory(kind as 'config', { env, platform: 'win32' })
    expect(find({ HOME: '/h', [own]: 'C:\\L' })).toBe('C:\\L\\sts-cli')
    expect(find({ [own]: 'C:\\L', [variable]: '/x' })).toBe('/x/sts-cli')
    expect(find({ HOME: '/h', [own]: '' })).toBeUndefined()
    expect(find({ HOME: '/h' })).toBeUndefined()
  })

  it.each<[Record<string, string>, NodeJS.Platform, string | undefined]>([
    [{ HOME: '/h' }, 'linux', '/h/.config/sts-cli/config.toml'],
    [{ XDG_CONFIG_HOME: '/x' }, 'win32', '/x/sts-cli/config.toml'],
    [{ APPDATA: 'C:\\L' }, 'win32', 'C:\\L\\sts-cli\\config.toml'],
    [{}, 'linux', undefined],
  ])('the configuration for %j on %s is %s', (env, platform, expected) => {
    expect(findConfigPath({ env, platform })).toBe(expected)
  })
})
