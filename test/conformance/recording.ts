/** Reads the recorded exchanges in test/vectors. */
import { readFileSync } from 'node:fs'
import type { JsonObject } from '../../src/base/parse.ts'

export interface Exchange {
  readonly name: string
  readonly request: {
    readonly method: string
    readonly path: string
    readonly headers: Readonly<Record<string, string>>
    readonly body: string | null
  }
  readonly response: {
    readonly status: number
    readonly headers: readonly (readonly [string, string])[]
    readonly body: string
  }
}

/** Returns the exchanges of one file, in the order in which they were made: later ones use what earlier ones issued. */
export function readExchanges(file: string): Exchange[] {
  const url = new URL(`../vectors/${file}`, import.meta.url)
  return JSON.parse(readFileSync(url, 'utf8')) as Exchange[]
}

/** A key and value that a MinIO gateway left in etcd. */
export interface EtcdRecord {
  readonly key: string
  readonly value: JsonObject
}

/** Returns the keys and values that `minio gateway s3` of 2022 left in etcd. */
export function readEtcdRecords(): EtcdRecord[] {
  const url = new URL('../vectors/etcd-minio-2022-gateway.json', import.meta.url)
  return JSON.parse(readFileSync(url, 'utf8')) as EtcdRecord[]
}

/** The secret key of root at that gateway: it signs the session tokens. */
export const recordedRootSecret = 'minio123'

/** The time of the recordings, at which all their tokens and signatures are valid. */
export const recordedAtMs = Date.parse('2026-11-23T16:33:27Z')

/** The host for which the recorded requests were signed. */
export const recordedHost = '127.0.0.1:9000'

/** Returns the text of the first element with that name; undefined if there is none. */
export function elementText(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1]
}
