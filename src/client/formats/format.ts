/** Output formats: the types that the table of formats and each format share. */
import type { IssuedCredentials } from '../../protocol/credentials.ts'
import type { EnvironmentOptions } from './environment.ts'
import type { ShellName } from './shells.ts'

export interface FormatOptions extends EnvironmentOptions {
  readonly shell: ShellName
  /** The credentials' name in the other program: mc's alias, rclone's remote, the profile of an AWS file. */
  readonly alias: string
}

/** Text for stdout or `--output`, and, on a GitHub runner only, what is appended to its files afterwards. */
export interface Document {
  readonly text: string
  readonly appends?: readonly { readonly path: string; readonly text: string }[]
}

/** Renders credentials. @throws {StsCliError} `ERR_DATA` where the format has no way to write a value. */
export type Format = (credentials: IssuedCredentials, options: FormatOptions) => Document
