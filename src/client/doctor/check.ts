/** What one look at the flow found. */
export interface Check {
  /** The thing that was looked at: `config`, `idp`, `clock`, `token`… */
  readonly name: string
  /** `skip`: it could not be looked at, because something before it failed. */
  readonly level: 'pass' | 'warn' | 'fail' | 'skip'
  /** One printable line. */
  readonly message: string
  /** What to do about it. */
  readonly fix?: string | undefined
}
