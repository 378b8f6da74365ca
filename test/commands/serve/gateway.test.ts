import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { optionsOf } from '../../../src/commands/options/option-table.ts'
import { parseArgv } from '../../../src/commands/options/parse-argv.ts'
import { readObjects } from '../../../src/commands/serve/objects.ts'
import { createSettings } from '../../../src/commands/options/settings.ts'
import { createIo, makeFolder } from '../../support/commands/harness.ts'

const root = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'a-secret-key-of-the-upstream',
}

function read(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
  credentials: typeof root | undefined = root,
): ReturnType<typeof readObjects> {
  const io = createIo({ env })
  const specs = optionsOf('serve')
  const parsed = parseArgv(argv, specs, { isStoppingAtOperand: false })
  return readObjects(createSettings(parsed, io), io, credentials)
}

describe('serve --gateway', () => {
  it.each([
    [[], 'https://s3.amazonaws.com'],
    [['https://s3.example.com'], 'https://s3.example.com'],
    [['https://s3.example.com/'], 'https://s3.example.com'],
    [['http://127.0.0.1:9000'], 'http://127.0.0.1:9000'],
    [['minio.example.com:9000'], 'https://minio.example.com:9000'],
  ])('serve --gateway %j uses the upstream %s', (operands, origin) => {
    const objects = read(['--stateless', '--gateway', ...operands])
    expect(objects).toMatchObject({ kind: 'gateway', region: undefined, style: 'path' })
    expect(objects.kind === 'gateway' && objects.url.origin).toBe(origin)
  })

  it('serve --gateway accepts a region, an addressing style and a CA file', async () => {
    const caFile = path.join(await makeFolder(), 'ca.pem')
    const pem = '-----BEGIN CERTIFICATE-----'
    await writeFile(caFile, pem)
    const flags = ['--gateway-region', 'eu-west-1', '--gateway-style', 'virtual-host']
    expect(
      read(['--gateway', '--stateless', ...flags, '--ca-file', caFile, 's3.example.com']),
    ).toMatchObject({ region: 'eu-west-1', style: 'virtual-host', ca: [pem] })
  })

  it('serve --gateway requires either etcd or --stateless', () => {
    const etcd = { MINIO_ETCD_ENDPOINTS: 'http://127.0.0.1:2379' }
    expect(() => read(['--gateway'])).toThrow('the gateway needs etcd, or --stateless')
    expect(read(['--gateway'], etcd).kind).toBe('gateway')
    expect(() => read(['--gateway', '--stateless'], etcd)).toThrow('cannot be used together')
  })

  it('serve --gateway requires the keys of its upstream', () => {
    const io = createIo()
    const parsed = parseArgv(['--gateway', '--stateless'], optionsOf('serve'), {
      isStoppingAtOperand: false,
    })
    expect(() => readObjects(createSettings(parsed, io), io, undefined)).toThrow(
      'the gateway needs the keys of its upstream S3',
    )
  })

  it.each([
    [['ftp://s3.example.com'], 'is not the http or https address of an S3'],
    [['https://s3.example.com/bucket'], 'is not the http or https address of an S3'],
    [['https://s3.example.com?a=b'], 'is not the http or https address of an S3'],
    [['https://user:hunter22@s3.example.com'], 'is not the http or https address of an S3'],
    [['a.example.com', 'b.example.com'], 'serve takes one upstream'],
    [['--bucket', 'photos'], '--bucket and --gateway cannot be used together'],
    [['--gateway-style', 'both'], '--gateway-style "both" is not known'],
    [['--gateway-region', 'eu west'], 'is not a region'],
    [['--gateway-style', 'virtual-host', '127.0.0.1:9000'], 'needs an upstream with a name'],
  ])('serve --gateway refuses %j without printing a password', (argv, message) => {
    expect(() => read(['--gateway', '--stateless', ...argv])).toThrow(message)
    expect(() => read(['--gateway', '--stateless', ...argv])).not.toThrow('hunter22')
  })

  it.each([['--stateless'], ['--gateway-region=eu'], ['--gateway-style=path']])(
    'serve refuses %s without --gateway',
    (flag) => {
      expect(() => read([flag])).toThrow('is for --gateway alone')
      expect(() => read([flag, '/mnt/data'])).toThrow('is for --gateway alone')
    },
  )
})

describe('serve DIR', () => {
  it('serve stores objects in the given directory or in a temporary one', () => {
    expect(read(['/mnt/data', '--bucket', 'photos'])).toEqual({
      kind: 'directory',
      directory: '/mnt/data',
      buckets: ['photos'],
    })
    expect(read([])).toMatchObject({ kind: 'directory', directory: undefined })
    expect(() => read(['a', 'b'])).toThrow('serve takes one directory')
  })
})
