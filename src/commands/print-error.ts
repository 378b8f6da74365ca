/** What people and programs read when a command fails. */
import { errorCode } from '../base/error-code.ts'
import { StsCliError } from '../base/errors.ts'
import type { Io } from '../base/io.ts'
import { findHint } from './hints/error-hints.ts'

/**
 * Says what went wrong on stderr: lines for people, or with `--json` one object.
 *
 * @returns The exit code. Anything but a `StsCliError` is a bug of ours: 70.
 */
export async function printError(error: unknown, argv: readonly string[], io: Io): Promise<number> {
  // Whoever read our output went away: there is nobody left to tell.
  if (errorCode(error) === 'EPIPE') return 74
  const known = error instanceof StsCliError ? error : toInternalError(error)
  const text = isFlagged(argv, 'json') ? renderJson(known) : await renderLines(known, argv, io)
  io.writeStderr(text)
  if (isFlagged(argv, 'debug') && error instanceof Error)
    io.writeStderr(`${describeStack(error)}\n`)
  return known.exitCode
}

/** A full disk, a full quota, a file as long as it may be, a broken disk, a closed descriptor. */
const diskErrors = ['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO', 'EBADF']

function toInternalError(error: unknown): StsCliError {
  if (diskErrors.some((code) => errorCode(error) === code))
    return new StsCliError('output-unwritable', 'the output cannot be written', { cause: error })
  const what =
    error instanceof Error
      ? `${error.name}: ${error.message}`
      : 'something that is no error was thrown'
  return new StsCliError('internal-error', `a bug in sts-cli: ${what}`, {
    hint: 'please report it, with what --debug prints',
    cause: error,
  })
}

function renderJson(error: StsCliError): string {
  const { reason, code, stage, message, httpStatus, serverCode, serverMessage, requestId } = error
  const hint = findHint(error)
  const object = {
    reason,
    code,
    stage,
    message,
    httpStatus,
    serverCode,
    serverMessage,
    requestId,
    hint,
  }
  return `${JSON.stringify({ error: { ...object, exitCode: error.exitCode } })}\n`
}

async function renderLines(error: StsCliError, argv: readonly string[], io: Io): Promise<string> {
  const paint = await choosePaint(argv, io)
  const facts = [
    ...(error.httpStatus === undefined ? [] : [`HTTP ${error.httpStatus}`]),
    ...(error.serverCode === undefined ? [] : [error.serverCode]),
  ]
  const where = error.stage === 'cli' ? '' : `${error.stage}: `
  const suffix = facts.length === 0 ? '' : ` (${facts.join(', ')})`
  const lines = [`${paint('red', 'error:')} ${where}${error.message}${suffix}`]
  if (error.serverMessage !== undefined && error.serverMessage !== '')
    lines.push(error.serverMessage)
  const hint = findHint(error)
  if (hint !== undefined) lines.push(`${paint('cyan', 'hint:')} ${hint}`)
  return lines.map((line) => `${line}\n`).join('')
}

type Paint = (colour: 'red' | 'cyan', text: string) => string

const leavePlain: Paint = (_colour, text) => text

async function choosePaint(argv: readonly string[], io: Io): Promise<Paint> {
  if (!wantsColour(argv, io)) return leavePlain
  const { chalk } = await import('../base/terminal/colour.ts')
  return (colour, text) => chalk[colour](text)
}

/** `--color`, then NO_COLOR and FORCE_COLOR (no-color.org, force-color.org), then whether a terminal shows it. */
function wantsColour(argv: readonly string[], io: Io): boolean {
  const said = readColourFlag(argv)
  if (said === 'always') return true
  if (said === 'never' || isSet(io.env['NO_COLOR'])) return false
  if (isSet(io.env['FORCE_COLOR'])) return io.env['FORCE_COLOR'] !== '0'
  return io.isTty.stderr && io.env['TERM'] !== 'dumb'
}

/** Read from argv as it stands: the error may be that it could not be parsed. */
function readColourFlag(argv: readonly string[]): string | undefined {
  const at = argv.findLastIndex((word) => /^--?color(=|$)/.test(word))
  if (at === -1) return undefined
  return argv[at]?.includes('=') === true ? argv[at].split('=')[1] : argv[at + 1]
}

function isFlagged(argv: readonly string[], name: string): boolean {
  const end = argv.indexOf('--')
  return argv
    .slice(0, end === -1 ? undefined : end)
    .some((word) => [`-${name}`, `--${name}`, `-${name}=true`, `--${name}=true`].includes(word))
}

function isSet(text: string | undefined): boolean {
  return text !== undefined && text !== ''
}

/** Where each error of the chain arose; the messages of causes stay out, they may quote what a server or a file held. */
function describeStack(error: Error): string {
  const frames = (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at '))
  const own = [error.name, ...frames].join('\n')
  return error.cause instanceof Error ? `${own}\ncaused by ${describeStack(error.cause)}` : own
}
