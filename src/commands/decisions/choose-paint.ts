import type { Io } from '../../base/io.ts'
import type { Settings } from '../options/settings.ts'
import type { Paint } from './describe-request.ts'

/** Returns what colours text on stdout: `--color` decides, then NO_COLOR and FORCE_COLOR (no-color.org, force-color.org), then whether stdout is a terminal. */
export async function choosePaint(settings: Settings, io: Io): Promise<Paint> {
  if (!wantsColour(settings.get('color'), io)) return (_colour, text) => text
  const { chalk } = await import('../../base/terminal/colour.ts')
  return (colour, text) => chalk[colour](text)
}

function wantsColour(flag: string | undefined, { env, isTty }: Io): boolean {
  if (flag === 'always') return true
  if (flag === 'never' || isSet(env['NO_COLOR'])) return false
  if (isSet(env['FORCE_COLOR'])) return env['FORCE_COLOR'] !== '0'
  return isTty.stdout && env['TERM'] !== 'dumb'
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== ''
}
