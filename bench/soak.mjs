/**
 * `npm run soak`: the built server under everything at once: exchanges, signed reads and writes, clients that break off, revocations, and
 * kill -9 with a restart on the same directory. A ledger knows what each key may hold. Exits with 1 for any error that was not asked for, any
 * object that does not read back whole, and memory that grows.
 *
 * node bench/soak.mjs [--minutes 1] [--seed N] [--rate 100]
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { attempt, expectAnswer } from './soak/attempt.mjs'
import { createLedger } from './soak/ledger.mjs'
import { checkList, list } from './soak/list-actions.mjs'
import * as objects from './soak/object-actions.mjs'
import { createRandom, pickWeighted } from './soak/random.mjs'
import { createReport, judgeMemory } from './soak/report.mjs'
import { createClient } from './soak/s3-client.mjs'
import { openServer } from './soak/server.mjs'
import * as sessions from './soak/session-actions.mjs'

const workers = 8
/** Kills end here, as a share of the run: the life after them is long enough to judge its memory. */
const killingShare = 0.5
/** What the checks at the end, and a server that stops slowly, may take on top of the run. */
const maxOverrunMs = 120_000

const actions = [
  [20, ['put', objects.put]],
  [4, ['put, conditional', objects.putIf]],
  [24, ['get', objects.get]],
  [6, ['get, range', objects.getRange]],
  [3, ['get, presigned', objects.getPresigned]],
  [6, ['head', objects.head]],
  [4, ['list', list]],
  [6, ['delete', objects.remove]],
  [2, ['delete, many', objects.removeMany]],
  [5, ['copy', objects.copy]],
  [4, ['tags, write', objects.putTags]],
  [3, ['tags, read', objects.getTags]],
  [1, ['multipart', objects.multipart]],
  [2, ['put, presigned', sessions.putPresigned]],
  [3, ['exchange', sessions.exchange]],
  [1, ['assume role', sessions.assumeRole]],
  [1, ['session policy', sessions.restrict]],
  [1, ['forged, unsigned, too late', sessions.forge]],
  [0.7, ['revoke', sessions.revoke]],
  [0.3, ['expire', sessions.expire]],
  [3, ['upload broken off', sessions.abortUpload]],
  [2, ['download broken off', sessions.abortDownload]],
  [2, ['connection dropped', sessions.dropConnection]],
]

const { minutes, seed, rate } = readArguments()
process.stdout.write(`soak: ${minutes} min, seed ${seed}, at most ${rate} operations a second\n`)
const clients = ['soak-1', 'soak-2', 'soak-3'].map((id) => {
  return { id, secret: randomBytes(16).toString('hex'), exchanges: 0, isBusy: false }
})
const buckets = ['soak-a', 'soak-b']
const server = await openServer([
  ...clients.flatMap(({ id, secret }) => ['--client', `${id}:${secret}:readwrite`]),
  ...buckets.flatMap((bucket) => ['--bucket', bucket]),
  '--min-duration',
  '1',
])
const random = createRandom(seed)
const [ledger, report, pool] = [createLedger(buckets, 60), createReport(), sessions.createPool()]
const client = createClient(server)
const context = { server, client, random, ledger, report, pool, clients, buckets }
const endsAtMs = Date.now() + minutes * 60_000

const giveUp = (why) => {
  process.stderr.write(`error: ${why}\n`)
  server.child.kill('SIGKILL')
  server.remove()
  process.exit(1)
}
const watchdog = setTimeout(
  () => giveUp('the run did not end in time'),
  minutes * 60_000 + maxOverrunMs,
)
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => giveUp(`stopped by ${signal}`))

try {
  await run()
} catch (error) {
  report.fault('run', error.stack)
} finally {
  clearTimeout(watchdog)
  server.child.kill('SIGKILL')
  client.close()
  server.remove()
}
process.exitCode = report.faults.length === 0 ? 0 : 1
process.stdout.write(
  `soak: ${report.faults.length === 0 ? 'passed' : `${report.faults.length} faults`}\n`,
)

function readArguments() {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '1' },
      seed: { type: 'string', default: String(randomBytes(4).readUInt32LE() || 1) },
      rate: { type: 'string', default: '100' },
    },
  })
  return {
    minutes: readPositive(values.minutes, 'minutes'),
    seed: readPositive(values.seed, 'seed'),
    rate: readPositive(values.rate, 'rate'),
  }
}

function readPositive(text, name) {
  const value = Number(text)
  if (Number.isFinite(value) && value > 0) return value
  process.stderr.write(`error: --${name} takes a number above 0, not ${text}\n`)
  process.exit(64)
}

async function run() {
  for (let count = 0; count < 6; count += 1)
    await attempt(context, 'exchange', () => sessions.exchange(context))
  await Promise.all([killNowAndThen(), ...Array.from({ length: workers }, work)])
  await doWhatIsLeft()
  const memory = server.lives.at(-1)
  const checked = await checkAll('read back')
  await attempt(context, 'health', async () => {
    for (const name of ['live', 'ready'])
      expectAnswer(await client.send({ path: `/minio/health/${name}` }), 200)
  })
  await stopCleanly()
  await server.start()
  await checkAll('read back after a stop')
  await stopCleanly()
  if (server.stderr !== '') report.fault('log', server.stderr.slice(0, 2000))
  printTable(memory, checked)
}

/** One client after another, at no more than its share of the rate. */
async function work() {
  const pauseMs = (1000 * workers) / rate
  while (Date.now() < endsAtMs) {
    const nextAtMs = Date.now() + pauseMs
    if (server.isUp) {
      const [kind, act] = pickWeighted(random, actions)
      await pool.use(context, (session) =>
        attempt(context, kind, (epoch) => act(context, session, epoch)),
      )
    }
    await delay(Math.max(server.isUp ? 0 : 20, nextAtMs - Date.now()))
  }
}

async function killNowAndThen() {
  const lastAtMs = Date.now() + minutes * 60_000 * killingShare
  const everyMs = Math.min(30_000, Math.max(5000, minutes * 7000))
  while (Date.now() + everyMs < lastAtMs) {
    await delay(everyMs / 2 + random.next() * everyMs)
    await server.kill()
    await server.start()
    await sessions.checkAllSessions(context)
  }
}

/** A short run may have missed an operation, or seen it only under a kill. */
async function doWhatIsLeft() {
  for (const [, [kind, act]] of actions)
    for (let tries = 0; tries < 20 && !report.kinds().has(kind); tries += 1)
      await pool.use(context, (session) =>
        attempt(context, kind, (epoch) => act(context, session, epoch)),
      )
}

function line(text) {
  process.stdout.write(`${text}\n`)
}

/** Every object, its bytes, ETag, metadata and tags; then the lists. By credentials that were issued long ago. */
async function checkAll(kind) {
  let checked = 0
  for (const entry of ledger.entries) {
    await pool.use(context, async ({ credentials }) => {
      const send = (ask) => client.send(ask, credentials)
      const isRight = await attempt(context, kind, async () => {
        await objects.checkObject(entry, send)
        await objects.checkTags(entry, send)
      })
      if (isRight) checked += 1
    })
  }
  for (const bucket of buckets)
    await attempt(context, kind, () =>
      checkList(bucket, { ledger }, (ask) => client.send(ask, server.root)),
    )
  return checked
}

async function stopCleanly() {
  const code = await server.stop()
  if (code !== 0) report.fault('stop', `the server ended with ${code}`)
}

function printTable(samples, checked) {
  line(
    `${'operation'.padEnd(34)}${'count'.padStart(8)}${'p50 ms'.padStart(10)}${'p99 ms'.padStart(10)}`,
  )
  for (const row of report.table()) line(row)
  const memory = judgeMemory(samples)
  const present = ledger.entries.filter(({ possible }) => !possible[0].isAbsent).length
  line(
    `kills ${server.kills}, starts ${server.starts}, keys read back ${checked} of ${ledger.entries.length} (${present} hold an object)`,
  )
  if (memory === undefined) return line('memory: too few samples to judge')
  const { earlier, later, isFlat } = memory
  line(
    `memory of the last life: ${earlier.toFixed(0)} MiB, later ${later.toFixed(0)} MiB (${samples.length} samples)`,
  )
  if (!isFlat) report.fault('memory', `grew from ${earlier.toFixed(0)} to ${later.toFixed(0)} MiB`)
  const missing = actions.map(([, [kind]]) => kind).filter((kind) => !report.kinds().has(kind))
  if (missing.length > 0) report.fault('run', `never done: ${missing.join(', ')}`)
}
