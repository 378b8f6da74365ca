/** Credentials: asked for, used, restricted, revoked, left to expire; and clients that go away in the middle. */
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { attempt, expectAnswer, nothingToDo, UnexpectedAnswer } from './attempt.mjs'
import { beginWrite, isPresent, tryLock, unlock } from './ledger.mjs'
import { checkObject, inventObject, toUpload } from './object-actions.mjs'
import { toPath } from './s3-client.mjs'

const poolSize = 16
/** The shortest that is left of credentials that are still used. */
const minLeftMs = 30_000

export function createPool() {
  const sessions = new Set()
  return {
    sessions,
    add: (session) => sessions.add(session),
    /** Hands a usable session to `act`, or root where there is none. */
    async use({ random, server }, act) {
      for (const session of sessions)
        if (session.expiresAtMs - Date.now() < minLeftMs) sessions.delete(session)
      const session = random.pick([...sessions]) ?? { credentials: server.root, uses: 0 }
      session.uses += 1
      try {
        return await act(session)
      } finally {
        session.uses -= 1
      }
    },
    /** Takes sessions out of use, and waits until nobody uses them any more. */
    async retire(chosen) {
      for (const session of chosen) sessions.delete(session)
      while (chosen.some(({ uses }) => uses > 0)) await delay(5)
    },
  }
}

/** New credentials of one of the clients; the oldest ones go when there are enough. */
export const exchange = (context) =>
  withOwner(context, async (owner) => {
    const { sessions, add } = context.pool
    add(await issue(context, owner))
    const [oldest] = sessions
    if (sessions.size > poolSize) sessions.delete(oldest)
  })

/** Hands a client to `act`; none of its sessions is revoked meanwhile. */
async function withOwner({ random, clients }, act) {
  const owner = random.pick(clients.filter(({ isBusy }) => !isBusy))
  if (owner === undefined) return nothingToDo
  owner.exchanges += 1
  try {
    return await act(owner)
  } finally {
    owner.exchanges -= 1
  }
}

async function issue({ client }, owner, parameters = {}) {
  const answer = expectAnswer(await client.fetchToken(owner), 200)
  const { access_token: token } = JSON.parse(answer.body)
  const fields = { Action: 'AssumeRoleWithClientGrants', Version: '2011-06-15', Token: token }
  const form = new URLSearchParams({ ...fields, DurationSeconds: '900', ...parameters })
  return { ...readCredentials(await client.send(toForm(form), undefined)), owner }
}

/** Credentials of root's own, by a signed AssumeRole. */
export async function assumeRole({ client, server, pool }) {
  const form = new URLSearchParams({
    Action: 'AssumeRole',
    Version: '2011-06-15',
    DurationSeconds: '900',
  })
  const answer = await client.send(toForm(form), server.root, { service: 'sts' })
  pool.add(readCredentials(answer))
}

function toForm(form) {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return { method: 'POST', path: '/', headers, body: Buffer.from(form.toString()) }
}

function readCredentials(answer) {
  const xml = expectAnswer(answer, 200).body.toString()
  const text = (name) => new RegExp(`<${name}>([^<]+)`).exec(xml)?.[1]
  const credentials = {
    accessKeyId: text('AccessKeyId'),
    secretAccessKey: text('SecretAccessKey'),
    sessionToken: text('SessionToken'),
  }
  return { credentials, expiresAtMs: Date.parse(text('Expiration')), uses: 0 }
}

/** What is not there is 404, or 403 for those who may not list, as at AWS. */
const unhide = (answer) =>
  answer.code === 'AccessDenied' ? { ...answer, status: 404, code: 'NoSuchKey' } : answer

/** A session policy binds: what it does not name is refused, and nothing is done. */
export const restrict = (context) =>
  withOwner(context, async (owner) => {
    const { client, random, buckets, ledger } = context
    const [bucket, other] = buckets
    const Resource = `arn:aws:s3:::${bucket}/*`
    const Statement = { Effect: 'Allow', Action: 's3:GetObject', Resource }
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement })
    const { credentials } = await issue(context, owner, { Policy })
    const own = random.pick(
      ledger.entries.filter((entry) => entry.bucket === bucket && isPresent(entry)),
    )
    if (own === undefined) return nothingToDo
    await checkObject(own, async (ask) => unhide(await client.send(ask, credentials)))
    const denied = '403 AccessDenied'
    expectAnswer(await client.send(toUpload(own, inventObject(random)), credentials), denied)
    expectAnswer(await client.send({ path: `/${bucket}` }, credentials), denied)
    expectAnswer(await client.send({ path: `/${other}/x` }, credentials), denied)
  })

/** What is wrongly signed, or not at all, is refused and not done. */
export async function forge({ client, random, ledger }, { credentials }) {
  const upload = toUpload(random.pick(ledger.entries), inventObject(random))
  const wrong = { ...credentials, secretAccessKey: 'x'.repeat(40) }
  expectAnswer(await client.send(upload, wrong), '403 SignatureDoesNotMatch')
  expectAnswer(await client.send(upload, undefined), '403 AccessDenied')
  const late = { expiresSeconds: 5, ageSeconds: 3600 }
  expectAnswer(
    await client.sendPresigned({ path: upload.path }, credentials, late),
    '403 AccessDenied',
  )
}

export async function putPresigned({ client, random, ledger }, { credentials }) {
  const entry = random.pick(ledger.entries)
  if (!tryLock(entry)) return nothingToDo
  try {
    const version = { ...inventObject(random), metadata: {}, tags: {} }
    const write = beginWrite(entry, version)
    expectAnswer(await client.sendPresigned(toUpload(entry, version), credentials), 200)
    write.acknowledge()
  } finally {
    unlock(entry)
  }
}

/** Revokes one session, or all of one client: they are refused from then on, and others go on. */
export async function revoke(context, held, epoch) {
  // Two that wait for each other's session would wait for ever.
  held.uses -= 1
  try {
    return await revokeSome(context, epoch)
  } finally {
    held.uses += 1
  }
}

async function revokeSome(context, epoch) {
  const { client, random, pool, clients, server } = context
  const owner = random.pick(clients)
  if (owner.isBusy) return nothingToDo
  owner.isBusy = true
  try {
    while (owner.exchanges > 0) await delay(5)
    const own = [...pool.sessions].filter((session) => session.owner === owner)
    if (own.length === 0) return nothingToDo
    const isFull = random.next() < 0.3
    const chosen = isFull ? own : own.slice(0, 1)
    await pool.retire(chosen)
    const query = isFull ? 'fullRevoke=true' : `accessKey=${chosen[0].credentials.accessKeyId}`
    const ask = { method: 'POST', path: '/minio/admin/v3/revoke-tokens/openid', query }
    expectAnswer(await client.send(ask, chosen[0].credentials), 204)
    for (const session of chosen) await expectRevoked(context, session, epoch)
    if (isFull) pool.add(await issue(context, owner))
    for (const session of [...pool.sessions].slice(-3)) await expectGood(context, session)
    if (server.wasCutSince(epoch)) throw new Error('the server was killed meanwhile')
  } finally {
    owner.isBusy = false
  }
}

async function expectRevoked({ client, random, ledger, server }, { credentials }, epoch) {
  const entry = random.pick(ledger.entries)
  for (const ask of [toUpload(entry, inventObject(random)), { path: toPath(entry) }]) {
    const answer = await client.send(ask, credentials)
    // without etcd a revocation is known until the process ends
    if (server.wasCutSince(epoch)) throw new Error('the server was killed meanwhile')
    expectAnswer(answer, '403 InvalidAccessKeyId')
  }
}

/** That a session of the pool is accepted. */
async function expectGood({ client, random, ledger, pool }, session) {
  if (!pool.sessions.has(session)) return
  const entry = random.pick(ledger.settled()) ?? random.pick(ledger.entries)
  session.uses += 1
  try {
    await checkObject(entry, (ask) => client.send(ask, session.credentials))
  } finally {
    session.uses -= 1
  }
}

/** Credentials of a second or two, which are refused when that is over. */
export const expire = (context) =>
  withOwner(context, async (owner) => {
    const { client, random, ledger } = context
    const { credentials, expiresAtMs } = await issue(context, owner, { DurationSeconds: '2' })
    await delay(Math.max(0, expiresAtMs - Date.now()) + 1100)
    const upload = toUpload(random.pick(ledger.entries), inventObject(random))
    expectAnswer(await client.send(upload, credentials), '400 ExpiredToken')
  })

/** An upload that stops in the middle was never there. */
export async function abortUpload({ client, random, ledger }, { credentials }) {
  const entry = random.pick(ledger.entries)
  const version = { ...inventObject(random) }
  if (version.size < 2) return nothingToDo
  const stopSendingAt = random.between(0, version.size - 1)
  const answer = await client.send(toUpload(entry, version), credentials, { stopSendingAt })
  if (!answer.isAborted) throw new UnexpectedAnswer(`half an upload was answered ${answer.status}`)
}

export async function abortDownload({ client, random, ledger }, { credentials }) {
  const entry = random.pick(
    ledger.entries.filter((one) => isPresent(one) && one.possible[0].size > 1000),
  )
  if (entry === undefined) return nothingToDo
  await client.send({ path: toPath(entry) }, credentials, { stopReadingAt: 1 })
}

/** A connection that says half of a request and is gone. */
export async function dropConnection({ random, server }) {
  const { port } = new URL(server.ready.sts)
  const socket = connect(Number(port), '127.0.0.1')
  await new Promise((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  socket.on('error', () => {})
  const text = 'PUT /soak-a/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n0123456789'
  socket.write(text.slice(0, random.between(1, text.length)))
  await delay(random.between(0, 50))
  socket.destroy()
}

/** After a restart: what was issued before is as good as it was. */
export async function checkAllSessions(context) {
  for (const session of context.pool.sessions)
    await attempt(context, 'session of before the kill', () => expectGood(context, session))
}
