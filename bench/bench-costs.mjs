import { createHash, randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { signRequest } from '../dist/lib/protocol/sigv4/sign.js'
import { median } from './measure.mjs'
import { startStack } from './stack.mjs'

const region = 'us-east-1'
const kibi = 1024
const mebi = 1024 * 1024
/** The longest that a condition compares. */
const agentChars = 8192

/**
 * The processor time that one request can cost the server: 20 KB of headers and 1 MiB of body, chosen by a caller who means harm and
 * has a session of its own. Where the system does not account for a process in microseconds, nothing is measured.
 */
export async function benchCosts({ isSmoke }) {
  if (process.platform !== 'linux') return []
  const stack = await startStack(['--bucket', 'costs'])
  const { sts, accessKey, secretKey, pid } = stack.ready
  const root = { accessKeyId: accessKey, secretAccessKey: secretKey }
  const server = { url: sts, pid, root }
  const rounds = isSmoke ? 1 : 5
  try {
    const rows = []
    for (const { what, policy, ...ask } of await makeCases(server)) {
      const credentials = policy === undefined ? root : await assume(server, policy)
      const costs = []
      for (let round = -1; round < rounds; round += 1) {
        const beforeMs = readCpuMs(pid)
        const { status } = await send(server, credentials, ask)
        if (!ask.expect.includes(status)) throw new Error(`${what} answered ${status}`)
        const costMs = readCpuMs(pid) - beforeMs
        // The first round has the compiler's time in it, and counts only where it is the only one.
        if (round >= 0) costs.push(costMs)
      }
      rows.push({
        what,
        value: median(costs),
        worst: Math.max(...costs),
        unit: 'ms of CPU',
        aim: '≤ 50',
      })
    }
    return rows
  } finally {
    await stack.stop()
  }
}

/** Requests as `{ what, policy?, method, path, query?, headers?, body?, expect }`. */
async function makeCases(server) {
  const multipart = await beginUpload(server)
  const listed = '<Object><Key>none</Key></Object>'
  const get = { method: 'GET', path: '/costs/none', expect: [404, 403] }
  const remove = { method: 'POST', path: '/costs', query: 'delete=', expect: [200, 400, 403] }
  const agent = { 'user-agent': 'a'.repeat(agentChars) }
  const like = (pattern) => allow({ Condition: { StringLike: { 'aws:UserAgent': pattern } } })
  const few = `<Delete>${listed.repeat(1000)}</Delete>`
  const long = `<Delete>${repeat(`<Object><Key>${'a'.repeat(1000)}</Key></Object>`, 1000)}</Delete>`
  const attack = (name, body) => ({ what: `DeleteObjects, ${name}`, ...remove, body })
  return [
    { what: 'GET, for comparison', ...get },
    {
      what: 'GET, a long pattern against a long user agent',
      policy: like(`*${'a'.repeat(1700)}b*`),
      ...get,
      headers: agent,
    },
    {
      what: 'GET, 850 stars against a long user agent',
      policy: like(`${'*a'.repeat(850)}*b*`),
      ...get,
      headers: agent,
    },
    {
      what: 'GET, a pattern of questions against a long user agent',
      policy: like(`*a?${'a'.repeat(1700)}b*`),
      ...get,
      headers: agent,
    },
    {
      what: 'GET, 100 variables that are a long user agent',
      policy: like('${aws:UserAgent}'.repeat(100)),
      ...get,
      headers: { 'user-agent': '*'.repeat(agentChars) },
    },
    {
      what: 'GET, a session policy of 190 actions',
      policy: {
        Statement: [
          { Effect: 'Allow', Action: Array.from({ length: 190 }, () => '*G*j*t'), Resource: '*' },
        ],
      },
      ...get,
    },
    {
      what: 'GET, a range of spaces',
      ...get,
      path: '/costs/object',
      headers: { range: `bytes=${' '.repeat(16_000)}x` },
      expect: [200],
    },
    {
      what: 'GET, 8,000 entity tags',
      ...get,
      path: '/costs/object',
      headers: { 'if-none-match': 'a,'.repeat(8000) },
      expect: [200],
    },
    {
      what: 'GET, 2,900 parameters',
      ...get,
      // names that begin so are nobody's and passed over; others are refused at the first
      query: Array.from({ length: 2900 }, (_, at) => `x-${at.toString(36)}=`).join('&'),
    },
    {
      what: 'GET, 900 headers',
      ...get,
      unsignedHeaders: Object.fromEntries(Array.from({ length: 900 }, (_, at) => [`x-${at}`, 'a'])),
    },
    {
      what: 'PUT, 6,000 tags',
      ...get,
      method: 'PUT',
      headers: { 'x-amz-tagging': 'a&'.repeat(6000) },
      body: 'x',
      expect: [400],
    },
    {
      what: 'PUT, 1 MiB in chunks of one byte',
      method: 'PUT',
      path: '/costs/object',
      headers: {
        'content-encoding': 'aws-chunked',
        'x-amz-decoded-content-length': String(Math.floor(mebi / 6)),
        'x-amz-trailer': 'x-amz-checksum-crc32',
      },
      payloadHash: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      body: repeat('1\r\nx\r\n', mebi / 6),
      expect: [400],
    },
    { what: 'DeleteObjects that deletes 1,000 keys, for comparison', ...remove, body: few },
    {
      what: 'DeleteObjects of 1,000 keys, a costly condition',
      policy: denyUnlike(`*${'a'.repeat(1700)}b*`),
      ...remove,
      headers: agent,
      body: few,
    },
    {
      what: 'DeleteObjects of 1,000 long keys, 10 patterns',
      policy: allowNone('*aaab*', 10),
      ...remove,
      body: long,
    },
    {
      what: 'DeleteObjects of 1,000 long keys, one pattern of 700',
      policy: allowNone(`*${'a'.repeat(700)}b*`, 1),
      ...remove,
      body: long,
    },
    {
      what: 'DeleteObjects of 1,000 long keys, 10 long patterns',
      policy: allowNone(`*${'a'.repeat(170)}b*`, 10),
      ...remove,
      body: long,
    },
    {
      what: 'DeleteObjects without rights, 1 MiB of <a/>',
      policy: allow({ Action: 's3:GetObject' }),
      ...remove,
      body: wrap('<a/>'),
    },
    {
      what: 'DeleteObjects without rights, 1 MiB of &amp;',
      policy: allow({ Action: 's3:GetObject' }),
      ...remove,
      body: wrap('&amp;'),
    },
    attack('1 MiB of <a/>', wrap('<a/>')),
    attack('1 MiB of &amp;', wrap('&amp;')),
    attack('1 MiB of text', wrap('x')),
    attack(
      '1 MiB of attributes',
      `<Delete ${Array.from({ length: 90_000 }, (_, at) => `a${at}="" `).join('')}/>`,
    ),
    attack('1 MiB of one attribute', `<Delete a="${'x'.repeat(mebi)}"/>`),
    attack('1 MiB of open quotation marks', `<Delete ${repeat('a="', mebi / 3)}`),
    attack('1 MiB of spaces in a tag', `<Delete${' '.repeat(mebi)}x`),
    attack('1 MiB of a name', `<${'a'.repeat(mebi)}`),
    attack('1 MiB of open tags', repeat('<a>', mebi / 3)),
    attack('1 MiB of open comments', wrap('<!--')),
    attack('1 MiB of comments', wrap('<!---->')),
    attack('1 MiB of CDATA sections', wrap('<![CDATA[]]>')),
    attack('1 MiB of instructions', wrap('<?a?>')),
    attack('1 MiB of brackets after a document type', `<!DOCTYPE a ${repeat('[', mebi)}`),
    {
      what: 'CompleteMultipartUpload, 1 MiB of <a/>',
      ...multipart,
      body: `<CompleteMultipartUpload>${repeat('<a/>', mebi / 4)}</CompleteMultipartUpload>`,
    },
    {
      what: 'CompleteMultipartUpload, 10,000 parts',
      ...multipart,
      body: `<CompleteMultipartUpload>${Array.from({ length: 10_000 }, (_, at) => `<Part><PartNumber>${at + 1}</PartNumber><ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag></Part>`).join('')}</CompleteMultipartUpload>`,
    },
    {
      what: 'PutObjectTagging, 120 KiB of <a/>',
      method: 'PUT',
      path: '/costs/object',
      query: 'tagging=',
      body: `<Tagging>${repeat('<a/>', 30 * kibi)}</Tagging>`,
      expect: [400],
    },
  ]
}

function allow(more) {
  return { Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*', ...more }] }
}

/** A policy whose patterns are compared with every key and match none of them: nothing is deleted, so the judging is all that costs. */
function allowNone(pattern, count) {
  const Resource = Array.from({ length: count }, () => `arn:aws:s3:::${pattern}`)
  return allow({ Resource })
}

/** A policy that denies every key by a condition that holds. */
function denyUnlike(pattern) {
  const Condition = { StringNotLike: { 'aws:UserAgent': pattern } }
  const [all] = allow({}).Statement
  return {
    Statement: [all, { ...all, Effect: 'Deny', Resource: 'arn:aws:s3:::costs/n?ne*', Condition }],
  }
}

function repeat(text, times) {
  return text.repeat(Math.floor(times))
}

/** A list of keys to delete that goes on with 1 MiB of something else. */
function wrap(text) {
  return `<Delete><Object><Key>none</Key></Object><a>${repeat(text, mebi / text.length)}</a></Delete>`
}

async function beginUpload(server) {
  const put = { method: 'PUT', path: '/costs/object', body: 'x' }
  const stored = await send(server, server.root, put)
  const begun = await send(server, server.root, {
    method: 'POST',
    path: '/costs/parts',
    query: 'uploads=',
  })
  const [, id] = /<UploadId>([^<]+)/.exec(begun.text) ?? []
  if (stored.status !== 200 || id === undefined) throw new Error('the bench cannot upload')
  return { method: 'POST', path: '/costs/parts', query: `uploadId=${id}`, expect: [400] }
}

/** Credentials of root's own session, bound by a policy. */
async function assume(server, { Statement }) {
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement })
  const form = { Action: 'AssumeRole', Version: '2011-06-15', DurationSeconds: '3600', Policy }
  const answer = await send(server, server.root, {
    method: 'POST',
    path: '/',
    service: 'sts',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  })
  const read = (name) => new RegExp(`<${name}>([^<]+)`).exec(answer.text)?.[1]
  if (answer.status !== 200) throw new Error(`AssumeRole answered ${answer.status}: ${answer.text}`)
  return {
    accessKeyId: read('AccessKeyId'),
    secretAccessKey: read('SecretAccessKey'),
    sessionToken: read('SessionToken'),
  }
}

function send(
  server,
  credentials,
  {
    method,
    path,
    query = '',
    headers = {},
    unsignedHeaders = {},
    body = '',
    service = 's3',
    payloadHash,
  },
) {
  const url = new URL(server.url)
  const search = query === '' ? '' : `?${query}`
  const own = { 'amz-sdk-invocation-id': randomUUID(), ...headers }
  if (service === 's3' && method !== 'GET' && payloadHash === undefined)
    own['content-md5'] = createHash('md5').update(body).digest('base64')
  const signed = signRequest(
    {
      method,
      url: { host: url.host, pathname: path, search },
      headers: own,
      payloadHash: payloadHash ?? createHash('sha256').update(body).digest('hex'),
    },
    credentials,
    { region, service, nowMs: Date.now() },
  )
  return new Promise((resolve, reject) => {
    const target = { host: url.hostname, port: url.port, method, path: `${path}${search}` }
    const length = Buffer.byteLength(body)
    const outgoing = httpRequest(
      {
        ...target,
        agent: false,
        headers: { ...signed, ...unsignedHeaders, 'content-length': length },
      },
      (answer) => {
        const chunks = []
        answer.on('data', (chunk) => chunks.push(chunk))
        answer.on('end', () =>
          resolve({ status: answer.statusCode, text: Buffer.concat(chunks).toString() }),
        )
      },
    )
    // A refusal may come before the body was sent: the answer counts, not the cut.
    outgoing.on('error', (error) => (outgoing.res === null ? reject(error) : undefined))
    outgoing.end(body)
  })
}

/** Processor time of all threads of a process, in milliseconds. */
function readCpuMs(pid) {
  let nanoseconds = 0
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const [running] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')
    nanoseconds += Number(running)
  }
  return nanoseconds / 1e6
}
