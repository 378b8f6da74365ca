/** Prints the error of a command that failed, for people and for programs. */
import { errorCode } from '../base/error-code.ts'
import { StsCliError } from '../base/errors.ts'
import type { Io } from '../base/io.ts'
import { findHint } from './hints/error-hints.ts'

/**
 * Prints an error to stderr: lines for people, or one object with `--json`.
 *
 * @returns The exit code; 70 for an error that is not a `StsCliError`, which is a bug.
 */
export async function printError(error: unknown, argv: readonly string[], io: Io): Promise<number> {
  // The reader of stdout closed it: there is nobody to tell.
  if (errorCode(error) === 'EPIPE') return 74
  const known = error instanceof StsCliError ? error : toInternalError(error)
  const text = isFlagged(argv, 'json') ? renderJson(known) : await renderLines(known, argv, io)
  io.writeStderr(text)
  if (isFlagged(argv, 'debug') && error instanceof Error)
    io.writeStderr(`${describeStack(error)}\n`)
  return known.exitCode
}

/** Errors of writing the output: the disk or the quota is full, the file has its maximum size, the disk failed, the descriptor is closed. */
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
  const server = { httpStatus, serverCode, serverMessage, requestId }
  const { exitCode } = error
  const object = { reason, code, stage, message, ...server, hint: findHint(error), exitCode }
  return `${JSON.stringify({ error: object })}\n`
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

/** Returns whether to use colours: `--color` decides, then NO_COLOR and FORCE_COLOR (no-color.org, force-color.org), then whether stderr is a terminal. */
function wantsColour(argv: readonly string[], io: Io): boolean {
  const flag = readColourFlag(argv)
  if (flag === 'always') return true
  if (flag === 'never' || isSet(io.env['NO_COLOR'])) return false
  if (isSet(io.env['FORCE_COLOR'])) return io.env['FORCE_COLOR'] !== '0'
  return io.isTty.stderr && io.env['TERM'] !== 'dumb'
}

/** Reads `--color` from the unparsed argv, because the error may be that argv cannot be parsed. */
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

/** Returns the stack of an error and its causes, without the causes' messages: those may quote a server or a file. */
function describeStack(error: Error): string {
  const frames = (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at '))
  const own = [error.name, ...frames].join('\n')
  return error.cause instanceof Error ? `${own}\ncaused by ${describeStack(error.cause)}` : own
}
