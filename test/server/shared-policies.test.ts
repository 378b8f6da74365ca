import { describe, expect, it, onTestFinished } from 'vitest'
import { loadPolicies } from '../../src/server/open/load-policies.ts'
import { openSessions } from '../../src/server/open/open-sessions.ts'
import type { PolicyDocument } from '../../src/server/policy/policy-document.ts'
import type { ServerOptions } from '../../src/server/options/server-options.ts'
import { nowMs, openMemoryLog, startEtcd, until } from '../support/server/etcd-harness.ts'
import type { FakeEtcd } from '../support/server/fake-etcd.ts'

const allow = (Action: string): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action, Resource: 'arn:aws:s3:::*' }],
  })

/** Opens the policies of a server with this etcd, whose operator configured `own`. */
async function openPolicies(etcd: FakeEtcd) {
  const { log, lines } = openMemoryLog()
  const options = {
    root: { accessKeyId: 'minio', secretAccessKey: 'minio123' },
    policies: new Map([['own', allow('s3:GetObject')]]),
    policyClaim: 'policy',
    etcd: { endpoints: [etcd.url], keyPrefix: '', tls: {}, user: undefined },
    nowMs,
    log,
  } as unknown as ServerOptions
  const policies = loadPolicies(options)
  const closers: (() => Promise<void>)[] = []
  onTestFinished(async () => {
    for (const close of closers) await close()
  })
  await openSessions(options, policies, closers)
  return { policies, lines }
}

const keyOf = (name: string): string => `config/iam/policies/${name}/policy.json`
const textOf = (document: PolicyDocument | undefined): string => JSON.stringify(document) ?? ''

describe('policies in etcd', () => {
  it('policies in etcd override the canned policies, but never the operator’s', async () => {
    const etcd = await startEtcd()
    for (const name of ['new', 'readonly', 'own']) etcd.put(keyOf(name), allow('s3:PutObject'))
    const { policies } = await openPolicies(etcd)
    expect(textOf(policies.get('new'))).toContain('PutObject')
    expect(textOf(policies.get('readonly'))).toContain('PutObject')
    expect(textOf(policies.get('own'))).not.toContain('PutObject')
  })

  it('a canned policy applies again when the policy in etcd is deleted', async () => {
    const etcd = await startEtcd()
    etcd.put(keyOf('readonly'), allow('s3:PutObject'))
    etcd.put(keyOf('new'), allow('s3:PutObject'))
    const { policies } = await openPolicies(etcd)
    etcd.delete(keyOf('readonly'))
    etcd.delete(keyOf('new'))
    await until(() => !policies.has('new'))
    expect(textOf(policies.get('readonly'))).toContain('GetObject')
  })

  it.each(['what is this', '{"Version":"2012-10-17","Statement":[{"Effect":"Perhaps"}]}'])(
    'an invalid policy in etcd allows nothing, also in place of a canned policy: %s',
    async (text) => {
      const etcd = await startEtcd()
      etcd.put(keyOf('readwrite'), text)
      const { policies, lines } = await openPolicies(etcd)
      expect(policies.has('readwrite')).toBe(false)
      expect(lines).toContainEqual(
        expect.objectContaining({ level: 'error', message: 'a policy in etcd cannot be read' }),
      )
    },
  )
})
