/** What this server has seen of the shared store, held in memory so that a look-up asks nobody. */
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
  /** What an operator puts before every key (MINIO_ETCD_PATH_PREFIX). */
  readonly keyPrefix: string
  readonly nowMs: () => number
  readonly log: Log
  /** Whether an identity must be kept to be looked up. */
  readonly isKept: (identity: StoredIdentity) => boolean
  /** Whether an account may be looked up here. */
  readonly isOurs: (account: StoredAccount) => boolean
  /** A policy came, changed, or went (undefined). One that cannot be read is an empty text. */
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
  /** What a MinIO's policy database gives a user of the kind. */
  findMapping(of: string, name: string): Mapping | undefined
  apply(entry: EtcdEntry): void
  /** Forgets what is no longer there; to be called with all keys of a reading from the start. */
  retain(keys: ReadonlySet<string>): void
}

/** Beyond these the oldest go: an identity is then read when it is asked for. */
const maxIdentities = 20_000
const maxMappings = 100_000
/** A policy document of MinIO has 20 KiB at most, an identity less than 16. */
const maxValueBytes = 64 * 1024
const maxPolicies = 10_000
/** A group names all of its members; etcd takes no value of more than 1.5 MiB. */
const maxGroupBytes = 2 * 1024 * 1024

interface Held {
  readonly revocations: Revocations
  readonly accounts: AccountState
  readonly identities: Map<string, StoredIdentity>
  /** By `sts-users/NAME`, as in their keys. */
  readonly mappings: Map<string, Mapping>
  readonly policies: Set<string>
}

/** An empty state. */
export function createSharedState(options: SharedStateOptions): SharedState {
  const { keyPrefix, log } = options
  const held: Held = {
    revocations: createRevocations(options.nowMs),
    accounts: createAccountState(options.isOurs),
    identities: new Map(),
    mappings: new Map(),
    policies: new Set(),
  }
  const apply = (entry: EtcdEntry): void => {
    const key = entry.key.slice(keyPrefix.length)
    const subject = parseIamKey(key)
    if (subject === undefined) return
    const maxBytes = subject.kind === 'group' ? maxGroupBytes : maxValueBytes
    const obstacle = findObstacle(entry.value, maxBytes)
    const text = obstacle === undefined ? entry.value?.toString('utf8') : ''
    if (store(held, { subject, text, lease: entry.lease }, options)) return
    const reason = obstacle ?? 'it is not what MinIO writes there, or there is no room for it'
    log.warn({ key, reason }, 'a value in etcd cannot be read and is left alone')
  }
  return {
    revocations: held.revocations,
    identities: held.identities,
    accounts: held.accounts,
    findMapping: (of, name) => held.mappings.get(`${of}/${name}`),
    apply,
    retain(present) {
      for (const name of listKeys(held)) {
        const key = keyPrefix + name
        if (!present.has(key)) apply({ key, value: undefined, lease: '0' })
      }
    },
  }
}

interface Arrival {
  readonly subject: IamSubject
  /** Undefined when it is gone, empty when it cannot be read. */
  readonly text: string | undefined
  readonly lease: string
}

/** Puts what arrived in its place. @returns False when it could not be read or there was no room. */
function store(held: Held, arrival: Arrival, options: SharedStateOptions): boolean {
  const { subject, text } = arrival
  switch (subject.kind) {
    case 'identity':
      return storeIdentity(held.identities, subject.accessKeyId, { text, isKept: options.isKept })
    case 'mapping':
      return storeMapping(held.mappings, `${subject.of}/${subject.name}`, arrival)
    case 'policy':
      return storePolicy(held.policies, subject.name, { text, onPolicy: options.onPolicy })
    case 'account':
      return held.accounts.storeAccount(subject.of, subject.accessKeyId, text)
    case 'group':
      return held.accounts.storeGroup(subject.name, text)
    case 'revocation': {
      // One that is gone had ended, or someone deleted it by hand: what was revoked stays so.
      const revocation = text === undefined ? undefined : decodeRevocation(text)
      if (revocation === undefined) return text === undefined
      return held.revocations.add(revocation)
    }
  }
}

function storeIdentity(
  identities: Held['identities'],
  accessKeyId: string,
  { text, isKept }: Pick<Arrival, 'text'> & Pick<SharedStateOptions, 'isKept'>,
): boolean {
  identities.delete(accessKeyId)
  if (text === undefined) return true
  const identity = decodeIdentity(text)
  if (identity === undefined || identity.accessKeyId !== accessKeyId) return false
  if (isKept(identity)) setBounded(identities, [accessKeyId, identity], maxIdentities)
  return true
}

function storeMapping(
  mappings: Held['mappings'],
  owner: string,
  { text, lease }: Pick<Arrival, 'text' | 'lease'>,
): boolean {
  mappings.delete(owner)
  if (text === undefined) return true
  const policyNames = decodeMapping(text)
  if (policyNames === undefined) return false
  setBounded(mappings, [owner, { policyNames, lease }], maxMappings)
  return true
}

function storePolicy(
  policies: Held['policies'],
  name: string,
  { text, onPolicy }: Pick<Arrival, 'text'> & Pick<SharedStateOptions, 'onPolicy'>,
): boolean {
  if (text !== undefined && !policies.has(name) && policies.size >= maxPolicies) return false
  if (text === undefined) policies.delete(name)
  else policies.add(name)
  const document = text === undefined ? undefined : decodePolicy(text)
  // One that cannot be read allows nothing, and must not let one of the same name stand in for it.
  onPolicy(name, text === undefined ? undefined : (document ?? ''))
  return text === undefined || document !== undefined
}

function listKeys({ accounts, identities, mappings, policies }: Held): string[] {
  return [
    ...accounts.listKeys(),
    ...[...identities.keys()].map(identityKey),
    ...[...mappings.keys()].map((owner) => `config/iam/policydb/${owner}.json`),
    ...[...policies].map(policyKey),
  ]
}

/** Why a value cannot be ours to read; undefined where it may. */
function findObstacle(value: Buffer | undefined, maxBytes: number): string | undefined {
  if (value === undefined) return undefined
  if (value.length > maxBytes) return `it has ${value.length} bytes`
  // A MinIO with a key management service writes 0x01 before what it encrypts (docs/wire.md §7.4).
  if (value[0] === 1) return 'a MinIO encrypted it with its key management service'
  return undefined
}

function setBounded<K, V>(map: Map<K, V>, [key, value]: [K, V], max: number): void {
  map.set(key, value)
  if (map.size <= max) return
  const oldest = map.keys().next()
  if (!oldest.done) map.delete(oldest.value)
}
