/** The keys that an STS issues and every signed request needs. */

export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

/** Credentials with an expiry. */
export interface TemporaryCredentials extends Credentials {
  readonly sessionToken: string
  readonly expiration: Date
  /**
   * `expiration` as the server wrote it. The quickstart's output repeats it unchanged: a server of 2018
   * answers with its local offset (`2018-08-21T17:10:29-07:00`).
   */
  readonly expirationText: string
}

/** Issued credentials on the client's side: what is printed, served to SDKs and signed with. */
export interface IssuedCredentials extends Credentials {
  readonly sessionToken: string
  /** UTC, milliseconds since the epoch. */
  readonly expiresAtMs: number
  /** When they were asked for, by this machine's clock. */
  readonly issuedAtMs: number
  /** The expiration as the server wrote it. */
  readonly expirationText: string
  /** The STS that issued them; its S3 has the same address, except at AWS. */
  readonly stsEndpoint: string
}
