/** Flags that give a secret, and flags that give a token. Not beside their readers: a command that answers from the cache compares flags and reads neither. */

/** Flags that give the client's secret; one at most counts. */
export const secretFlags = ['client-secret', 'client-secret-file', 'client-secret-command']
/** Flags that give a token without an identity provider; one at most counts. */
export const tokenFlags = ['token', 'token-file', 'token-env', 'token-command']
