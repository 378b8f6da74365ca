import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  expectSteps,
  lifetimeSeconds,
  openWorkplace,
  runSeconds,
  type Expected,
  type Workplace,
} from './client-steps.ts'
import { cachedPath } from './stack.ts'

interface DataClient extends Expected {
  /** How its keys are renewed: a profile with `credential_process` (polars: the program's own function), or `sts-cli exec --server`. */
  readonly renewal: 'profile' | 'server'
  readonly settings?: Readonly<Record<string, string>>
}

const clients: Readonly<Record<string, DataClient>> = {
  pyarrow: { renewal: 'server' },
  s3fs: { renewal: 'server' },
  smart_open: { renewal: 'profile' },
  obstore: { renewal: 'server' },
  // It sends objects below 64 MiB in one piece otherwise.
  polars: {
    renewal: 'profile',
    cannotDelete: true,
    settings: { POLARS_UPLOAD_CHUNK_SIZE: String(8 * 1024 * 1024) },
  },
  // A table keeps the log of its versions.
  deltalake: { renewal: 'server', stays: /\/_delta_log\// },
  // It leaves the markers of folders, without content.
  pyiceberg: {
    renewal: 'server',
    names: ['some folder-small+ü', 'kept-big'],
    stays: /\/(?:data|metadata)\/$/,
  },
  pylance: { renewal: 'server' },
}

const python = cachedPath('data-clients', 'bin', 'python3')
const program = (name: string): string => path.join(import.meta.dirname, 'data-clients', name)

let workplace: Workplace
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.stop())

describe('data clients with temporary credentials', () => {
  it.each(Object.entries(clients))(
    '%s writes 30 MiB in parts, reads, lists and deletes',
    async (name, client) => {
      const bucket = await workplace.makeBucket(`once-${name.replace('_', '-')}`)
      const argv = [python, program(`use_${name}.py`), bucket, 'big']
      const stdout = await workplace.run(argv, { ...workplace.env, ...client.settings })
      await expectSteps(workplace, bucket, stdout, client)
    },
  )

  it('pyarrow writes 256 MiB and copies 64 MiB', async () => {
    const bucket = await workplace.makeBucket('pyarrow-large')
    const argv = [python, program('pyarrow_large.py'), bucket, '256', '64']
    const said: unknown = JSON.parse(await workplace.run(argv, workplace.env))
    expect(said).toEqual({ written: true, copied: true, left: [] })
  })
})

describe('data clients that outlive their credentials', () => {
  it.concurrent.each(Object.entries(clients))(
    '%s works on with renewed credentials',
    async (name, { renewal, settings }) => {
      const bucket = await workplace.makeBucket(`renewed-${name.replace('_', '-')}`)
      const argv = [python, program(`use_${name}.py`), bucket, 'big', String(runSeconds)]
      const server = ['sts-cli', 'exec', '--server', '--duration', String(lifetimeSeconds), '--']
      const whole = renewal === 'server' ? [...server, ...argv] : argv
      const { AWS_CONFIG_FILE: _, ...withoutProfile } = workplace.renewingEnv
      const env = renewal === 'server' ? withoutProfile : workplace.renewingEnv
      const said = JSON.parse(await workplace.run(whole, { ...env, ...settings })) as {
        rounds: number
      }
      expect(said.rounds).toBeGreaterThanOrEqual(3)
    },
  )
})
