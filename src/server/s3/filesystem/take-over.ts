/**
 * Takes over a folder of version 0.1.0, which kept what it knew in files: a JSON file for each object under `.sts-cli/metadata`, and the settings of
 * buckets under `.sts-cli/settings`. The objects themselves stay as they are.
 */
import { join } from 'node:path'
import { parseJsonObject, readString } from '../../../base/parse.ts'
import type { Log } from '../../../base/log.ts'
import { type Disk, orAbsent, privateFolder } from './disk.ts'
import { documentKey, headKey } from './index-keys.ts'
import { encodeHead, readRecords } from './records.ts'
import type { IndexChange } from './store-index.ts'
import { removeTree } from './staging.ts'

/** Objects that are taken over in one commit. */
const objectsAtOnce = 1000

/** Setting of 0.1.0 → the name of the document. */
const settings = { location: 'location', 'cors.xml': 'cors' } as const

/** Reads what 0.1.0 left, once: its files are removed afterwards. What the index has already is newer. */
export async function takeOver(disk: Disk, log: Log): Promise<void> {
  const metadata = join(disk.root, privateFolder, 'metadata')
  const documents = join(disk.root, privateFolder, 'settings')
  let objects = 0
  for (const bucket of await listNames(disk, metadata))
    objects += await takeOverObjects(disk, bucket, join(metadata, bucket))
  for (const bucket of await listNames(disk, documents))
    await takeOverSettings(disk, bucket, join(documents, bucket))
  await removeTree(disk, metadata)
  await removeTree(disk, documents)
  if (objects > 0) log.info({ objects }, 'took over the records of an earlier version')
}

async function listNames({ fs }: Disk, folder: string): Promise<string[]> {
  return (await orAbsent(fs.readdir(folder))) ?? []
}

async function takeOverObjects(disk: Disk, bucket: string, folder: string): Promise<number> {
  let changes: IndexChange[] = []
  let count = 0
  const commit = async (): Promise<void> => {
    await disk.index.commit(changes)
    count += changes.length
    changes = []
  }
  for (const inner of await listNames(disk, folder)) {
    for (const name of await listNames(disk, join(folder, inner))) {
      const text = await orAbsent(disk.fs.readFile(join(folder, inner, name), 'utf8'))
      const change = text === undefined ? undefined : toChange(bucket, text)
      if (change && disk.index.get(change[0]) === undefined) changes.push(change)
      if (changes.length >= objectsAtOnce) await commit()
    }
  }
  if (changes.length > 0) await commit()
  return count
}

function toChange(bucket: string, text: string): IndexChange | undefined {
  const json = parseJsonObject(text)
  const key = json && readString(json, 'key')
  const list = json?.['records']
  const records = Array.isArray(list) ? readRecords(list) : []
  if (key === undefined || records.length === 0) return undefined
  const sequence = Math.floor(Number(records[0]?.file.mtimeNs ?? 0) / 1000)
  return [headKey(bucket, key), encodeHead({ sequence, records })]
}

async function takeOverSettings(disk: Disk, bucket: string, folder: string): Promise<void> {
  for (const [file, name] of Object.entries(settings)) {
    const text = await orAbsent(disk.fs.readFile(join(folder, file), 'utf8'))
    const key = documentKey(bucket, name)
    if (text !== undefined && disk.index.get(key) === undefined)
      await disk.index.commit([[key, Buffer.from(text)]])
  }
}
