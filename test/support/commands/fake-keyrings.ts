import type { Keyring } from '../../../src/base/keyring.ts'

/** A keyring that exposes its contents. */
export interface MemoryKeyring extends Keyring {
  readonly secrets: Map<string, string>
}

export function openMemoryKeyring(): MemoryKeyring {
  const secrets = new Map<string, string>()
  return {
    secrets,
    read: async (account) => secrets.get(account),
    write: async (account, secret) => void secrets.set(account, secret),
    remove: async (account) => void secrets.delete(account),
  }
}

const refuse = async (): Promise<never> => {
  throw new Error('AccessDenied')
}
/** A keyring that exists but refuses access. */
export const lockedKeyring: Keyring = { read: refuse, write: refuse, remove: refuse }
