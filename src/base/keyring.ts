/** The door to @napi-rs/keyring: the system's own store of secrets. An optional package: not every platform has one. */

export interface Keyring {
  /** @throws Whatever the system says, when it cannot be asked. */
  read(account: string): Promise<string | undefined>
  write(account: string, secret: string): Promise<void>
  remove(account: string): Promise<void>
}

const service = 'sts-cli'
/** The system may ask the person to unlock it. */
const timeoutMs = 60_000

/** The keyring; undefined where the package is not installed. Whether the system has one shows when it is used. */
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
