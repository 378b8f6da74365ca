/** The address that a listener binds. */
export interface ServerAddress {
  readonly host: string
  /** 0 selects a free port. */
  readonly port: number
}
