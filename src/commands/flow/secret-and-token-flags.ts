/** The flags of which one gives a secret, and those of which one gives a token. Apart from their readers: a warm command compares flags and reads neither. */

/** Where a client's secret may come from. */
export const secretFlags = ['client-secret', 'client-secret-file', 'client-secret-command']
/** Where a token may come from without an identity provider. */
export const tokenFlags = ['token', 'token-file', 'token-env', 'token-command']
