/** The adapter of @napi-rs/keyring: the system's own keyring. An optional package: some platforms do not have it. */

export interface Keyring {
  /** @throws The system's own error when the keyring cannot be read. */
  read(account: string): Promise<string | undefined>
  write(account: string, secret: string): Promise<void>
  remove(account: string): Promise<void>
}

const service = 'sts-cli'
/** The system may prompt the user to unlock it. */
const timeoutMs = 60_000

/** Returns the keyring; undefined if the package is not installed. Only its use shows whether the system has one. */
export async function openKeyring(): Promise<Keyring | undefined> {
  try {
    const { AsyncEntry } = await import('@napi-rs/keyring')
    const open = (account: string): InstanceType<typeof AsyncEntry> =>
      new AsyncEntry(service, account)
    const limit = (): AbortSignal => AbortSignal.timeout(timeoutMs)
    return {
      read: async (account) => (await open(account).getPassword(limit())) ?? undefined,
      write: (account, secret) => open(account).setPassword(secret, limit()),
      remove: async (account) => void (await open(account).deletePassword(limit())),
    }
  } catch {
    // Not installed, or not for this platform.
    return undefined
  }
}
