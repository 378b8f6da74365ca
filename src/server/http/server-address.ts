/** Where a listener binds. */
export interface Address {
  readonly host: string
  /** 0 takes a free port. */
  readonly port: number
}
