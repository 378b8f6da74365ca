/** Iceberg tables whose credentials a catalog vends: they work for one table and nothing else. */
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startMoto, type Moto } from './moto.ts'
import { startNessie, type Nessie } from './nessie.ts'
import { cachedPath, startStack, type Stack } from './stack.ts'

const page = readFileSync(path.join(import.meta.dirname, '..', '..', 'docs', 'catalogs.md'), 'utf8')

/** Returns the page's first block in a language that contains a word. */
function findBlock(language: string, word: string): string {
  const blocks = page.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))
  const block = [...blocks].find(([, text = '']) => text.includes(word))
  if (block?.[1] === undefined) throw new Error(`docs/catalogs.md has no ${language} with ${word}`)
  return block[1]
}

const key = { name: 'catalog', secret: 'a-secret-of-your-own-32-chars-long' }
const root = { MINIO_ROOT_USER: key.name, MINIO_ROOT_PASSWORD: key.secret }

/** What a client of one table did. */
const done = {
  rows: 3,
  inside: [
    'pyarrow write',
    'pyarrow list',
    'pyarrow read',
    'head',
    'range',
    'list',
    'delete',
    'pyiceberg append',
  ],
  denied: [
    'pyarrow write',
    'pyarrow list',
    'pyarrow read',
    'head',
    'range',
    'list',
    'list of the namespace',
    'list of the bucket',
    'put',
    'put beside the prefix',
    'copy from outside',
    'delete',
    'tags',
    'policy of the bucket',
    'create a bucket',
    'credentials without the session policy',
    'pyiceberg read',
  ],
  'rows after append': 6,
}

/** The storage → its bucket, in which the tables are. */
const storages = {
  'the server’s own directory, by a role': 'lake',
  'a storage without an STS, behind the gateway': 'lake-behind',
} as const

let moto: Moto
let stack: Stack
let gateway: Stack
let nessie: Nessie
let folder: string
const stackOf = (bucket: string): Stack => (bucket === 'lake' ? stack : gateway)

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sts-cli-catalog-'))
  moto = await startMoto()
  await fetch(`${moto.url}/lake-behind`, { method: 'PUT' })
  const role = path.join(folder, 'role.json')
  await writeFile(role, findBlock('json', 'trust'))
  stack = await startStack(['--no-idp', '--bucket', 'lake', '--role', role], root)
  gateway = await startStack(['--no-idp', '--gateway', '--stateless', moto.url], root)
  const ofPage = findBlock('properties', 'nessie').split('\n')
  // Nessie can have other settings for single buckets.
  const ofGateway = [
    'nessie.catalog.warehouses.lake-behind.location=s3://lake-behind/warehouse',
    ...ofPage
      .filter((line) => line.includes('.default-options.'))
      .map((line) => line.replace('default-options', 'buckets.lake-behind'))
      .map((line) => line.replace('http://localhost:9000', gateway.sts)),
  ]
  const ofStack = ofPage.map((line) => line.replace('http://localhost:9000', stack.sts))
  nessie = await startNessie([...ofStack, ...ofGateway])
}, 120_000)
afterAll(async () => {
  await nessie.stop()
  await gateway.stop()
  await stack.stop()
  await moto.stop()
  await rm(folder, { recursive: true })
})

/** Runs the steps of a client and returns what it says. @param keys AWS's variables, beside the addresses. */
async function useTable(
  bucket: string,
  argv: readonly string[],
  keys: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const { sts, env: base } = stackOf(bucket)
  const addresses = { AWS_ENDPOINT_URL_S3: sts, AWS_ENDPOINT_URL_STS: sts }
  const env = {
    ...base,
    ...addresses,
    ...keys,
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    PYTHONDONTWRITEBYTECODE: '1',
  }
  const program = path.join(import.meta.dirname, 'data-clients', 'vended.py')
  const options = { env, extendEnv: false, cwd: folder, reject: false } as const
  const python = cachedPath('data-clients', 'bin', 'python3')
  const { failed, message, stdout } = await execa(python, [program, ...argv], options)
  if (failed) throw new Error(message?.slice(-4000))
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
}

describe.each(Object.entries(storages))('credentials for one table in %s', (_storage, bucket) => {
  it('Nessie’s clients, which have no keys of their own, can use their table and nothing else', async () => {
    expect(await useTable(bucket, [nessie.uri, bucket])).toEqual(done)
  })

  it('a session policy for the table’s prefix lets clients use the table and nothing else', async () => {
    const file = path.join(folder, 'policy.json')
    await writeFile(file, findBlock('json', 'Statement'))
    const keys = { AWS_ACCESS_KEY_ID: key.name, AWS_SECRET_ACCESS_KEY: key.secret }
    const argv = ['--policy', file, `s3://${bucket}/by-policy`]
    expect(await useTable(bucket, argv, keys)).toEqual(done)
  })
})
