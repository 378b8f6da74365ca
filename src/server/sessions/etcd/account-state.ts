/** The users, service accounts and groups in etcd. */
import { AwsError } from '../../../protocol/aws-error.ts'
import {
  decodeAccount,
  decodeGroup,
  type AccountKind,
  type StoredAccount,
  type StoredGroup,
} from './iam-accounts.ts'
import { accountKey, groupKey } from './iam-records.ts'

export interface AccountState {
  /** Returns the account of an access key; a user's before a service account's. */
  find(accessKeyId: string): StoredAccount | undefined
  /**
   * Returns the enabled groups of a user of `mc admin`; none for any other name.
   *
   * @throws {AwsError} `ServiceUnavailable` while a group cannot be read, as the user may be in it and it may have a policy that denies.
   */
  findGroups(user: string): readonly string[]
  /** Stores an account. @param text Undefined if it was deleted. @returns False if it could not be read or there was no room. */
  storeAccount(kind: AccountKind, accessKeyId: string, text: string | undefined): boolean
  storeGroup(name: string, text: string | undefined): boolean
  listKeys(): string[]
}

const maxAccounts = 50_000
const maxGroups = 10_000

/**
 * Returns an empty state.
 *
 * @param isAccepted Returns whether an account may be used here; a service account of another root may not.
 */
export function createAccountState(isAccepted: (account: StoredAccount) => boolean): AccountState {
  const accounts = new Map<string, StoredAccount>()
  const groups = new Map<string, StoredGroup>()
  const unreadable = new Set<string>()
  /** Member → groups. */
  const memberships = new Map<string, Set<string>>()

  const removeGroup = (name: string): void => {
    for (const member of groups.get(name)?.members ?? []) memberships.get(member)?.delete(name)
    groups.delete(name)
    unreadable.delete(name)
  }
  return {
    find: (accessKeyId) =>
      accounts.get(accountKey('users', accessKeyId)) ??
      accounts.get(accountKey('service-accounts', accessKeyId)),
    findGroups(user) {
      if (!accounts.has(accountKey('users', user))) return []
      if (unreadable.size > 0)
        throw new AwsError('ServiceUnavailable', 'a group in etcd cannot be read; ask the operator')
      return [...(memberships.get(user) ?? [])].filter(
        (name) => groups.get(name)?.isEnabled === true,
      )
    },
    storeAccount(kind, accessKeyId, text) {
      const key = accountKey(kind, accessKeyId)
      accounts.delete(key)
      if (text === undefined) return true
      const account = decodeAccount(text, kind)
      if (account?.accessKeyId !== accessKeyId || !isAccepted(account)) return false
      if (accounts.size >= maxAccounts) return false
      accounts.set(key, account)
      return true
    },
    storeGroup(name, text) {
      removeGroup(name)
      if (text === undefined) return true
      const group = groups.size < maxGroups ? decodeGroup(text) : undefined
      if (group === undefined) {
        unreadable.add(name)
        return false
      }
      groups.set(name, group)
      for (const member of group.members)
        memberships.set(member, (memberships.get(member) ?? new Set()).add(name))
      return true
    },
    listKeys: () => [
      ...accounts.keys(),
      ...[...groups.keys(), ...unreadable].map((name) => groupKey(name)),
    ],
  }
}
