/** The result of one check. */
export interface Check {
  /** The thing that was checked: `config`, `idp`, `clock`, `token`… */
  readonly name: string
  /** `skip`: it could not be checked, because something before it failed. */
  readonly level: 'pass' | 'warn' | 'fail' | 'skip'
  /** One printable line. */
  readonly message: string
  /** How to fix it. */
  readonly fix?: string | undefined
}
