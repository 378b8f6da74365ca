/** The address that a listener binds. */
export interface Address {
  readonly host: string
  /** 0 selects a free port. */
  readonly port: number
}
