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
