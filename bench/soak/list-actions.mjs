/** Listings, held to the ledger key by key. */
import { expectAnswer, UnexpectedAnswer } from './attempt.mjs'
import { beginRead } from './ledger.mjs'

export async function list({ client, random, ledger, buckets }, session) {
  const bucket = random.pick(buckets)
  const prefix = random.pick(['', '', 'plain', 'folder/', 'ünï'])
  await checkList(bucket, { ledger, prefix }, (ask) => client.send(ask, session.credentials))
}

/** Lists in pages and holds every key that nobody wrote meanwhile to the ledger. */
export async function checkList(bucket, { ledger, prefix = '' }, send) {
  const reads = ledger.entries
    .filter((entry) => entry.bucket === bucket && entry.key.startsWith(prefix))
    .map((entry) => ({ entry, read: beginRead(entry) }))
  const found = new Map()
  for (let token = ''; token !== undefined;) {
    const more = token === '' ? '' : `&continuation-token=${encodeURIComponent(token)}`
    const query = `list-type=2&max-keys=37&prefix=${encodeURIComponent(prefix)}${more}`
    const { body } = expectAnswer(await send({ path: `/${bucket}`, query }), 200)
    for (const [, item] of body.toString().matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
      const text = (name) => unescapeXml(new RegExp(`<${name}>([^<]*)`).exec(item)?.[1] ?? '')
      found.set(text('Key'), { etag: text('ETag').replaceAll('"', ''), size: Number(text('Size')) })
    }
    token = /<NextContinuationToken>([^<]+)/.exec(body)?.[1]
  }
  for (const { entry, read } of reads) {
    if (!read.isUnchanged() || entry.possible.length !== 1) continue
    const [version] = entry.possible
    const item = found.get(entry.key)
    const isRight = version.isAbsent
      ? item === undefined
      : item !== undefined && item.size === version.size && version.etags.includes(item.etag)
    if (!isRight)
      throw new UnexpectedAnswer(
        `the list of ${bucket} (prefix ${JSON.stringify(prefix)}) has ${entry.key} as ${JSON.stringify(item)}; it is ${version.text}`,
      )
  }
}

const names = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
const unescapeXml = (text) =>
  text.replaceAll(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (_, hex, decimal, name) =>
    name === undefined
      ? String.fromCodePoint(Number.parseInt(hex ?? decimal, hex === undefined ? 10 : 16))
      : names[name],
  )
