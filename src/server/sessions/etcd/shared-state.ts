/** The contents of etcd that concern this server, in memory, so that a look-up sends no request. */
import type { Log } from '../../../base/log.ts'
import { createRevocations, type Revocations } from '../revocations.ts'
import { createAccountState, type AccountState } from './account-state.ts'
import type { EtcdEntry } from './etcd-answers.ts'
import type { StoredAccount } from './iam-accounts.ts'
import {
  decodeIdentity,
  decodeMapping,
  decodePolicy,
  decodeRevocation,
  identityKey,
  parseIamKey,
  policyKey,
  type IamSubject,
  type StoredIdentity,
} from './iam-records.ts'

export interface SharedStateOptions {
  /** Prefix of every key (MINIO_ETCD_PATH_PREFIX). */
  readonly keyPrefix: string
  readonly nowMs: () => number
  readonly log: Log
  /** Returns whether an identity must be in memory to be looked up. */
  readonly isStored: (identity: StoredIdentity) => boolean
  /** Returns whether an account may be used here. */
  readonly isAccepted: (account: StoredAccount) => boolean
  /** Called when a policy is added, changed or deleted (undefined). The text of one that cannot be read is empty. */
  readonly onPolicy: (name: string, text: string | undefined) => void
}

interface Mapping {
  readonly policyNames: readonly string[]
  readonly lease: string
}

export interface SharedState {
  readonly revocations: Revocations
  readonly identities: ReadonlyMap<string, StoredIdentity>
  readonly accounts: Pick<AccountState, 'find' | 'findGroups'>
  /** Returns the policies of a user or group of this kind in MinIO's policy database. */
  findMapping(of: string, name: string): Mapping | undefined
  apply(entry: EtcdEntry): void
  /** Removes everything that is not among these keys, which are all keys of a complete read. */
  retain(keys: ReadonlySet<string>): void
}

/** Beyond these bounds the oldest are dropped; an identity is then read when it is looked up. */
const maxIdentities = 20_000
const maxMappings = 100_000
/** A policy document of MinIO has at most 20 KiB, an identity less than 16 KiB. */
const maxValueBytes = 64 * 1024
const maxPolicies = 10_000
/** A group lists all of its members; etcd accepts values up to 1.5 MiB. */
const maxGroupBytes = 2 * 1024 * 1024

/** The maps behind a `SharedState`. */
interface StateMaps {
  readonly revocations: Revocations
  readonly accounts: AccountState
  readonly identities: Map<string, StoredIdentity>
  /** By `sts-users/NAME`, as in their keys. */
  readonly mappings: Map<string, Mapping>
  readonly policies: Set<string>
}

/** Returns an empty state. */
export function createSharedState(options: SharedStateOptions): SharedState {
  const { keyPrefix, log } = options
  const maps: StateMaps = {
    revocations: createRevocations(options.nowMs),
    accounts: createAccountState(options.isAccepted),
    identities: new Map(),
    mappings: new Map(),
    policies: new Set(),
  }
  const apply = (entry: EtcdEntry): void => {
    const key = entry.key.slice(keyPrefix.length)
    const subject = parseIamKey(key)
    if (subject === undefined) return
    const maxBytes = subject.kind === 'group' ? maxGroupBytes : maxValueBytes
    const problem = findProblem(entry.value, maxBytes)
    const text = problem === undefined ? entry.value?.toString('utf8') : ''
    if (store(maps, { subject, text, lease: entry.lease }, options)) return
    const reason = problem ?? 'it is not what MinIO writes there, or there is no room for it'
    log.warn({ key, reason }, 'a value in etcd cannot be read and is left alone')
  }
  return {
    revocations: maps.revocations,
    identities: maps.identities,
    accounts: maps.accounts,
    findMapping: (of, name) => maps.mappings.get(`${of}/${name}`),
    apply,
    retain(present) {
      for (const name of listKeys(maps)) {
        const key = keyPrefix + name
        if (!present.has(key)) apply({ key, value: undefined, lease: '0' })
      }
    },
  }
}

/** A value of etcd, or its deletion. */
interface StoredValue {
  readonly subject: IamSubject
  /** Undefined if it was deleted, empty if it cannot be read. */
  readonly text: string | undefined
  readonly lease: string
}

/** Stores a value. @returns False if it could not be read or there was no room. */
function store(maps: StateMaps, value: StoredValue, options: SharedStateOptions): boolean {
  const { subject, text } = value
  switch (subject.kind) {
    case 'identity':
      return storeIdentity(maps.identities, subject.accessKeyId, {
        text,
        isStored: options.isStored,
      })
    case 'mapping':
      return storeMapping(maps.mappings, `${subject.of}/${subject.name}`, value)
    case 'policy':
      return storePolicy(maps.policies, subject.name, { text, onPolicy: options.onPolicy })
    case 'account':
      return maps.accounts.storeAccount(subject.of, subject.accessKeyId, text)
    case 'group':
      return maps.accounts.storeGroup(subject.name, text)
    case 'revocation': {
      // A deleted revocation had expired, or was deleted by hand: the sessions stay revoked.
      const revocation = text === undefined ? undefined : decodeRevocation(text)
      if (revocation === undefined) return text === undefined
      return maps.revocations.add(revocation)
    }
  }
}

function storeIdentity(
  identities: StateMaps['identities'],
  accessKeyId: string,
  { text, isStored }: Pick<StoredValue, 'text'> & Pick<SharedStateOptions, 'isStored'>,
): boolean {
  identities.delete(accessKeyId)
  if (text === undefined) return true
  const identity = decodeIdentity(text)
  if (identity === undefined || identity.accessKeyId !== accessKeyId) return false
  if (isStored(identity)) setBounded(identities, [accessKeyId, identity], maxIdentities)
  return true
}

function storeMapping(
  mappings: StateMaps['mappings'],
  owner: string,
  { text, lease }: Pick<StoredValue, 'text' | 'lease'>,
): boolean {
  mappings.delete(owner)
  if (text === undefined) return true
  const policyNames = decodeMapping(text)
  if (policyNames === undefined) return false
  setBounded(mappings, [owner, { policyNames, lease }], maxMappings)
  return true
}

function storePolicy(
  policies: StateMaps['policies'],
  name: string,
  { text, onPolicy }: Pick<StoredValue, 'text'> & Pick<SharedStateOptions, 'onPolicy'>,
): boolean {
  if (text !== undefined && !policies.has(name) && policies.size >= maxPolicies) return false
  if (text === undefined) policies.delete(name)
  else policies.add(name)
  const document = text === undefined ? undefined : decodePolicy(text)
  // A policy that cannot be read allows nothing, and must not be replaced by another one of the same name.
  onPolicy(name, text === undefined ? undefined : (document ?? ''))
  return text === undefined || document !== undefined
}

function listKeys({ accounts, identities, mappings, policies }: StateMaps): string[] {
  return [
    ...accounts.listKeys(),
    ...[...identities.keys()].map(identityKey),
    ...[...mappings.keys()].map((owner) => `config/iam/policydb/${owner}.json`),
    ...[...policies].map(policyKey),
  ]
}

/** Returns why a value cannot be read; undefined if it can. */
function findProblem(value: Buffer | undefined, maxBytes: number): string | undefined {
  if (value === undefined) return undefined
  if (value.length > maxBytes) return `it has ${value.length} bytes`
  // A MinIO with a key management service writes 0x01 before encrypted values (docs/wire.md §7.4).
  if (value[0] === 1) return 'a MinIO encrypted it with its key management service'
  return undefined
}

function setBounded<K, V>(map: Map<K, V>, [key, value]: [K, V], max: number): void {
  map.set(key, value)
  if (map.size <= max) return
  const oldest = map.keys().next()
  if (!oldest.done) map.delete(oldest.value)
}
