/** A real etcd with one member or three, and the faults of an operator's bad day. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { findFreePort, waitUntilAnswering } from './free-port.ts'

export interface EtcdCluster {
  /** Client URLs, separated by commas. */
  readonly endpoints: string
  put(key: string, value: string): Promise<void>
  /** Returns each key with its value, and the granted and remaining seconds of its lease. */
  list(prefix: string): Promise<Map<string, { value: string; ttl: number; granted: number }>>
  delete(key: string): Promise<void>
  /** Requires this user for every later call. */
  demandUser(name: string, password: string): Promise<void>
  /** Deletes all history. */
  compact(): Promise<void>
  findLeader(): Promise<number>
  /** Makes another member the leader. */
  moveLeader(): Promise<void>
  pause(member: number): void
  resume(member: number): void
  kill(member: number): Promise<void>
  restart(member: number): Promise<void>
  stop(): Promise<void>
}

interface Member {
  readonly argv: readonly string[]
  readonly url: string
  child: ChildProcess
}

/** Starts a cluster; its data are deleted with it. @param flags For example, those of TLS. */
export async function startEtcd(size: 1 | 3, flags: readonly string[] = []): Promise<EtcdCluster> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sts-cli-etcd-'))
  const ports: { client: number; peer: number }[] = []
  for (let i = 0; i < size; i += 1)
    ports.push({ client: await findFreePort(), peer: await findFreePort() })
  const initial = ports.map(({ peer }, i) => `m${i}=http://127.0.0.1:${peer}`).join(',')
  const scheme = flags.length > 0 ? 'https' : 'http'
  const members = ports.map(({ client, peer }, i): Member => {
    const url = `${scheme}://127.0.0.1:${client}`
    const peerUrl = `http://127.0.0.1:${peer}`
    const settings = {
      name: `m${i}`,
      'data-dir': path.join(folder, `m${i}`),
      'listen-client-urls': url,
      'advertise-client-urls': url,
      'listen-peer-urls': peerUrl,
      'initial-advertise-peer-urls': peerUrl,
      'initial-cluster': initial,
      logger: 'zap',
      'log-level': 'error',
    }
    const pairs = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
    const argv = [...pairs, '--unsafe-no-fsync', ...flags]
    return { argv, url, child: launch(argv) }
  })
  const ask = async (call: string, document: object, at = 0): Promise<Record<string, unknown>> => {
    const body = JSON.stringify(document)
    const answer = await fetch(`${members[at]?.url}/v3/${call}`, { method: 'POST', body })
    if (!answer.ok) throw new Error(`etcd: ${call}: ${await answer.text()}`)
    return (await answer.json()) as Record<string, unknown>
  }
  const pick = (member: number): Member => {
    const found = members[member]
    if (found === undefined) throw new Error(`there is no member ${member}`)
    return found
  }
  // If a client certificate is required, only its holder can ask: then the caller waits instead.
  if (scheme === 'http')
    await Promise.all(
      members.map(({ url, child }) => waitUntilAnswering(`${url}/health`, ended(child))),
    )

  const statusOf = (at: number) =>
    ask('maintenance/status', {}, at) as Promise<{ leader: string; header: { member_id: string } }>
  const cluster: EtcdCluster = {
    endpoints: members.map(({ url }) => url).join(','),
    async put(key, value) {
      await ask('kv/put', { key: encode(key), value: encode(value) })
    },
    async list(prefix) {
      const end = `${prefix.slice(0, -1)}${String.fromCodePoint((prefix.codePointAt(prefix.length - 1) ?? 0) + 1)}`
      const { kvs = [] } = (await ask('kv/range', {
        key: encode(prefix),
        range_end: encode(end),
      })) as {
        kvs?: { key: string; value: string; lease?: string }[]
      }
      const found = new Map<string, { value: string; ttl: number; granted: number }>()
      for (const { key, value, lease } of kvs) {
        const life = lease === undefined ? {} : await ask('kv/lease/timetolive', { ID: lease })
        const seconds = { ttl: Number(life['TTL'] ?? 0), granted: Number(life['grantedTTL'] ?? 0) }
        found.set(decode(key), { value: decode(value), ...seconds })
      }
      return found
    },
    async delete(key) {
      await ask('kv/deleterange', { key: encode(key) })
    },
    async demandUser(name, password) {
      await ask('auth/user/add', { name: 'root', password: 'root' })
      await ask('auth/user/grant', { user: 'root', role: 'root' })
      await ask('auth/role/add', { name: 'iam' })
      const range = { key: encode('config/iam/'), range_end: encode('config/iam0') }
      await ask('auth/role/grant', { name: 'iam', perm: { permType: 'READWRITE', ...range } })
      await ask('auth/user/add', { name, password })
      await ask('auth/user/grant', { user: name, role: 'iam' })
      await ask('auth/enable', {})
    },
    async compact() {
      const { header } = (await ask('kv/range', { key: encode('x') })) as {
        header: { revision: string }
      }
      await ask('kv/compaction', { revision: header.revision, physical: true })
    },
    async findLeader() {
      const { leader } = await statusOf(0)
      for (let i = 0; i < size; i += 1)
        if ((await statusOf(i)).header.member_id === leader) return i
      throw new Error('there is no leader')
    },
    async moveLeader() {
      const leader = await cluster.findLeader()
      const { header } = await statusOf((leader + 1) % size)
      await ask('maintenance/transfer-leadership', { targetID: header.member_id }, leader)
    },
    pause: (member) => void pick(member).child.kill('SIGSTOP'),
    resume: (member) => void pick(member).child.kill('SIGCONT'),
    async kill(member) {
      const { child } = pick(member)
      child.kill('SIGKILL')
      await ended(child)
    },
    async restart(member) {
      const found = pick(member)
      found.child = launch(found.argv)
      await waitUntilAnswering(`${found.url}/health`, ended(found.child))
    },
    async stop() {
      for (const { child } of members) child.kill('SIGKILL')
      await Promise.all(members.map(({ child }) => ended(child)))
      await rm(folder, { recursive: true, force: true })
    },
  }
  return cluster
}

function launch(argv: readonly string[]): ChildProcess {
  return spawn('etcd', argv, { stdio: 'ignore', env: { PATH: process.env['PATH'] } })
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  await new Promise<void>((resolve, reject) => {
    child.once('exit', () => resolve())
    child.once('error', reject)
  })
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64')
}

function decode(text: string): string {
  return Buffer.from(text, 'base64').toString('utf8')
}
