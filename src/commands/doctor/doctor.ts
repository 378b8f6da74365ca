import { StsCliError } from '../../base/errors.ts'
import type { Io } from '../../base/io.ts'
import type { Check } from './check.ts'
import { diagnose } from './diagnose.ts'
import type { ObtainOptions } from '../../client/flow/obtain-credentials.ts'
import { findHint } from '../hints/error-hints.ts'
import { chooseProfile, locateConfig } from '../options/load-profile.ts'
import { readObtainOptions } from '../flow/obtain-options.ts'
import { withServeDefaults } from '../flow/with-serve-defaults.ts'
import type { Settings } from '../options/settings.ts'

/** `doctor`: checks every step of the login and suggests fixes; exit 1 when a step fails. Nothing is cached. */
export async function runDoctor(own: Settings, io: Io): Promise<number> {
  const settings = withServeDefaults(own, io)
  const checks: Check[] = []
  const options = await readOptions(settings, io)
  if ('level' in options) checks.push(options)
  else {
    checks.push({ name: 'config', level: 'pass', message: describeConfig(own, io) })
    for await (const check of diagnose(options, io)) checks.push(check)
  }
  const isShown = ({ level }: Check): boolean => level === 'fail' || !settings.has('quiet')
  io.writeStdout(
    settings.has('json')
      ? `${JSON.stringify({ checks }, undefined, 2)}\n`
      : checks.filter(isShown).map(renderCheck).join(''),
  )
  return checks.some(({ level }) => level === 'fail') ? 1 : 0
}

async function readOptions(settings: Settings, io: Io): Promise<ObtainOptions | Check> {
  try {
    return await readObtainOptions(settings, io)
  } catch (error) {
    if (!(error instanceof StsCliError)) throw error
    return { name: 'config', level: 'fail', message: error.message, fix: findHint(error) }
  }
}

function describeConfig({ parsed }: Settings, io: Io): string {
  const { file } = locateConfig(parsed, io)
  const where = parsed.profile === undefined ? 'no configuration' : (file ?? '')
  return `profile ${chooseProfile(parsed, io)}, ${where}`
}

/** Renders a finding for people. */
export function renderCheck({ name, level, message, fix }: Check): string {
  const line = `${level}  ${name.padEnd(9)} ${message}\n`
  return fix === undefined ? line : `${line}${' '.repeat(16)}fix: ${fix}\n`
}
