/** What clients do with objects. Each writes into the ledger what it asked for, and holds what it reads to the ledger. */
import { createHash } from 'node:crypto'
import {
  describeAnswer,
  expectAnswer,
  expectNothing,
  nothingToDo,
  UnexpectedAnswer,
} from './attempt.mjs'
import * as ledgers from './ledger.mjs'
import { makeBytes } from './random.mjs'
import { toPath } from './s3-client.mjs'

const partBytes = 5 * 1024 * 1024

/** Hands an entry that nobody writes to `act`, and takes it back. */
async function withLock({ random, ledger }, act, entries = ledger.entries) {
  for (let tries = 0; tries < 20; tries += 1) {
    const entry = random.pick(entries)
    if (entry === undefined || !ledgers.tryLock(entry)) continue
    try {
      return await act(entry)
    } finally {
      ledgers.unlock(entry)
    }
  }
  return nothingToDo
}

/** Facts of an object that was not there before. */
export function inventObject(random) {
  const scale = random.pick([0, 100, 1024, 4096, 65_536, 300_000, 1_500_000])
  const fields = { seed: random.between(1, 2 ** 30), size: random.between(0, scale) }
  const metadata = random.next() < 0.5 ? { 'x-amz-meta-seed': String(fields.seed) } : {}
  const tags =
    random.next() < 0.3 ? { colour: random.pick(['red', 'blue']), n: String(fields.size) } : {}
  return ledgers.describeObject({ ...fields, metadata, tags })
}

export function toUpload(entry, version) {
  const tagging = new URLSearchParams(version.tags).toString()
  const headers = { ...version.metadata, ...(tagging !== '' && { 'x-amz-tagging': tagging }) }
  return {
    method: 'PUT',
    path: toPath(entry),
    headers,
    body: makeBytes(version.seed, version.size),
  }
}

export const put = (context, session) =>
  withLock(context, async (entry) => {
    const version = inventObject(context.random)
    const write = ledgers.beginWrite(entry, version)
    const answer = await context.client.send(toUpload(entry, version), session.credentials)
    expectAnswer(answer, 200)
    if (answer.headers.etag !== `"${version.etags[0]}"`)
      throw new UnexpectedAnswer(`PUT of ${version.text} has the ETag ${answer.headers.etag}`)
    write.acknowledge()
  })

/** A write that goes by what is there: `if-none-match: *`, or `if-match` with the right or a wrong ETag. */
export const putIf = (context, session) =>
  withLock(context, async (entry) => {
    if (entry.possible.length !== 1) return nothingToDo
    const [present] = entry.possible
    const version = inventObject(context.random)
    const isIfNone = present.isAbsent || context.random.next() < 0.5
    const etag = context.random.next() < 0.5 ? present.etags?.[0] : 'f'.repeat(32)
    const isDone = isIfNone ? present.isAbsent : etag === present.etags[0]
    const upload = toUpload(entry, version)
    const condition = isIfNone ? { 'if-none-match': '*' } : { 'if-match': `"${etag}"` }
    const write = ledgers.beginWrite(entry, version)
    if (!isDone) write.discard()
    const ask = { ...upload, headers: { ...upload.headers, ...condition } }
    expectAnswer(await context.client.send(ask, session.credentials), isDone ? 200 : 412)
    if (isDone) write.acknowledge()
  })

export const get = (context, session) =>
  readOne(context, (ask) => context.client.send(ask, session.credentials))

export const getPresigned = (context, session) =>
  readOne(context, (ask) => context.client.sendPresigned(ask, session.credentials))

async function readOne({ random, ledger }, send) {
  await checkObject(random.pick(ledger.entries), send)
}

/** Reads one object whole and holds it to the ledger. */
export async function checkObject(entry, send) {
  const read = ledgers.beginRead(entry)
  const answer = expectAnswer(await send({ path: toPath(entry) }), 200, '404 NoSuchKey')
  const fits = (version) => ledgers.fitsAnswer(version, answer, answer.body)
  expectNothing(read.judge(fits, describeAnswer(answer)))
}

/** The same of its tags. */
export async function checkTags(entry, send) {
  const read = ledgers.beginRead(entry)
  const ask = { path: toPath(entry), query: 'tagging=' }
  const answer = expectAnswer(await send(ask), 200, '404 NoSuchKey')
  const fits = (version) => ledgers.fitsTags(version, answer, answer.body)
  expectNothing(read.judge(fits, `tagged ${answer.body}`))
}

export const getTags = ({ client, random, ledger }, session) =>
  checkTags(random.pick(ledger.entries), (ask) => client.send(ask, session.credentials))

export async function head({ client, random, ledger }, session) {
  const entry = random.pick(ledger.entries)
  const read = ledgers.beginRead(entry)
  const ask = { method: 'HEAD', path: toPath(entry) }
  const answer = expectAnswer(await client.send(ask, session.credentials), 200, 404)
  const fits = (version) => ledgers.fitsAnswer(version, answer)
  expectNothing(read.judge(fits, describeAnswer(answer)))
}

export async function getRange({ client, random, ledger }, session) {
  const entry = random.pick(ledger.settled())
  if (entry === undefined) return nothingToDo
  const [{ size }] = entry.possible
  const first = random.between(0, size)
  const last = first + random.between(0, 10_000)
  const read = ledgers.beginRead(entry)
  const ask = { path: toPath(entry), headers: { range: `bytes=${first}-${last}` } }
  const answer = await client.send(ask, session.credentials)
  expectAnswer(answer, 206, 416, 404)
  const fits = (version) => {
    if (version.isAbsent) return answer.status === 404
    if (first >= version.size) return answer.status === 416
    const wanted = makeBytes(version.seed, version.size).subarray(first, last + 1)
    return answer.status === 206 && wanted.equals(answer.body)
  }
  expectNothing(read.judge(fits, `${describeAnswer(answer)} for ${ask.headers.range}`))
}

export const remove = (context, session) =>
  withLock(context, async (entry) => {
    const write = ledgers.beginWrite(entry)
    const ask = { method: 'DELETE', path: toPath(entry) }
    expectAnswer(await context.client.send(ask, session.credentials), 204)
    write.acknowledge()
  })

export async function removeMany(context, session) {
  const bucket = context.random.pick(context.buckets)
  const entries = context.ledger.entries.filter(
    (entry) => entry.bucket === bucket && context.random.next() < 0.05 && ledgers.tryLock(entry),
  )
  try {
    if (entries.length === 0) return nothingToDo
    const writes = entries.map((entry) => ledgers.beginWrite(entry))
    const keys = entries.map(({ key }) => `<Object><Key>${escapeXml(key)}</Key></Object>`)
    const body = Buffer.from(`<Delete><Quiet>true</Quiet>${keys.join('')}</Delete>`)
    const headers = { 'content-md5': createHash('md5').update(body).digest('base64') }
    const ask = { method: 'POST', path: `/${bucket}`, query: 'delete=', headers, body }
    const answer = expectAnswer(await context.client.send(ask, session.credentials), 200)
    if (/<Error>/.test(answer.body)) throw new UnexpectedAnswer(`DeleteObjects said ${answer.body}`)
    for (const write of writes) write.acknowledge()
  } finally {
    for (const entry of entries) ledgers.unlock(entry)
  }
}

export const copy = (context, session) =>
  withLock(
    context,
    (source) => withLock(context, (target) => copyOne(context, session, { source, target })),
    context.ledger.settled(),
  )

async function copyOne({ client, random }, session, { source, target }) {
  if (!ledgers.isPresent(source)) return nothingToDo
  const [original] = source.possible
  const isReplacing = random.next() < 0.4
  const metadata = isReplacing ? { 'x-amz-meta-copied': 'yes' } : original.metadata
  const { seed, size } = original
  const [md5] = ledgers.describeObject({ seed, size }).etags
  // a copy of an object made of parts is one piece; a server may keep the old ETag or make a new one
  const version = { ...original, metadata, etags: [...new Set([md5, ...original.etags])] }
  const write = ledgers.beginWrite(target, version)
  const headers = {
    'x-amz-copy-source': toPath(source),
    ...(isReplacing && { 'x-amz-metadata-directive': 'REPLACE', ...metadata }),
  }
  const ask = { method: 'PUT', path: toPath(target), headers }
  const answer = expectAnswer(await client.send(ask, session.credentials), 200)
  requireResult(answer, 'CopyObjectResult')
  write.acknowledge()
}

export const putTags = (context, session) =>
  withLock(context, async (entry) => {
    if (!ledgers.isPresent(entry)) return nothingToDo
    const isRemoval = context.random.next() < 0.3
    const tags = isRemoval ? {} : { stamp: String(context.random.between(1, 1e6)) }
    const write = ledgers.beginWrite(entry, { ...entry.possible[0], tags })
    const items = Object.entries(tags).map(
      ([k, v]) => `<Tag><Key>${k}</Key><Value>${v}</Value></Tag>`,
    )
    const body = Buffer.from(`<Tagging><TagSet>${items.join('')}</TagSet></Tagging>`)
    const path = toPath(entry)
    const ask = isRemoval
      ? { method: 'DELETE', path, query: 'tagging=' }
      : {
          method: 'PUT',
          path,
          query: 'tagging=',
          body,
          headers: { 'content-md5': createHash('md5').update(body).digest('base64') },
        }
    expectAnswer(await context.client.send(ask, session.credentials), isRemoval ? 204 : 200)
    write.acknowledge()
  })

export const multipart = (context, session) =>
  withLock(context, async (entry) => {
    const { client, random } = context
    const path = toPath(entry)
    const send = (ask) => client.send({ path, ...ask }, session.credentials)
    const plain = ledgers.describeObject({
      seed: random.between(1, 2 ** 30),
      size: partBytes * random.between(1, 2) + random.between(1, 100_000),
      metadata: { 'x-amz-meta-made': 'of parts' },
    })
    const created = await send({ method: 'POST', query: 'uploads=', headers: plain.metadata })
    const uploadId = /<UploadId>([^<]+)/.exec(expectAnswer(created, 200).body)?.[1]
    const upload = `uploadId=${encodeURIComponent(uploadId)}`
    const digests = await uploadParts(send, makeBytes(plain.seed, plain.size), upload)
    if (random.next() < 0.25) {
      expectAnswer(await send({ method: 'DELETE', query: upload }), 204)
      return
    }
    const joined = createHash('md5').update(Buffer.concat(digests)).digest('hex')
    const write = ledgers.beginWrite(entry, { ...plain, etags: [`${joined}-${digests.length}`] })
    const parts = digests.map(
      (digest, index) =>
        `<Part><PartNumber>${index + 1}</PartNumber><ETag>"${digest.toString('hex')}"</ETag></Part>`,
    )
    const body = Buffer.from(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`)
    requireResult(
      expectAnswer(await send({ method: 'POST', query: upload, body }), 200),
      'CompleteMultipartUploadResult',
    )
    write.acknowledge()
  })

async function uploadParts(send, bytes, upload) {
  const digests = []
  for (let at = 0; at < bytes.length; at += partBytes) {
    const body = bytes.subarray(at, at + partBytes)
    const query = `partNumber=${digests.length + 1}&${upload}`
    expectAnswer(await send({ method: 'PUT', query, body }), 200)
    digests.push(createHash('md5').update(body).digest())
  }
  return digests
}

/** A 200 may still hold an error: it is sent before the work is done. */
function requireResult({ body }, name) {
  if (!body.includes(`<${name}`))
    throw new UnexpectedAnswer(`answered 200 with ${body.subarray(0, 300)}`)
}

const escapeXml = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
