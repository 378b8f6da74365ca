/** Credentials: the keys that sign a request, and what an STS issues. */

/** The keys that sign a request. */
export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

/** Credentials that expire, as an STS answers them. */
export interface TemporaryCredentials extends Credentials {
  readonly sessionToken: string
  readonly expiration: Date
  /**
   * `expiration` as the server wrote it. The quickstart's output repeats it to the letter: a server of 2018
   * answers in its local offset (`2018-08-21T17:10:29-07:00`).
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
