/** What an STS hands out and every signed request needs. */

export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

/** Credentials with an end. */
export interface TemporaryCredentials extends Credentials {
  readonly sessionToken: string
  readonly expiration: Date
  /**
   * `expiration` as the server wrote it. The quickstart's output repeats it to the letter: a server of 2018
   * answers in its local offset (`2018-08-21T17:10:29-07:00`).
   */
  readonly expirationText: string
}
