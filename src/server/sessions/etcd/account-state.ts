/** The users, service accounts and groups that were seen in the shared store. */
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
  /** A user's before a service account's of the same access key. */
  find(accessKeyId: string): StoredAccount | undefined
  /**
   * The enabled groups that a user of `mc admin` is a member of; none for any other name.
   *
   * @throws {AwsError} `ServiceUnavailable` while a group cannot be read: the user may be in it, and it may have a policy that denies.
   */
  findGroups(user: string): readonly string[]
  /** @param text Undefined when it is gone. @returns False when it could not be read or there was no room. */
  storeAccount(kind: AccountKind, accessKeyId: string, text: string | undefined): boolean
  storeGroup(name: string, text: string | undefined): boolean
  listKeys(): string[]
}

const maxAccounts = 50_000
const maxGroups = 10_000

/**
 * An empty state.
 *
 * @param isOurs Whether an account may be looked up here; a service account of another root is not ours.
 */
export function createAccountState(isOurs: (account: StoredAccount) => boolean): AccountState {
  const accounts = new Map<string, StoredAccount>()
  const groups = new Map<string, StoredGroup>()
  const unreadable = new Set<string>()
  /** Member → groups. */
  const memberships = new Map<string, Set<string>>()

  const forgetGroup = (name: string): void => {
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
      if (account?.accessKeyId !== accessKeyId || !isOurs(account)) return false
      if (accounts.size >= maxAccounts) return false
      accounts.set(key, account)
      return true
    },
    storeGroup(name, text) {
      forgetGroup(name)
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
