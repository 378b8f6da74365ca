import { once } from 'node:events'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { createConcurrencyLimiter } from '../../../src/server/http/concurrency-limiter.ts'
import type { Overload, RequestKind } from '../../../src/server/http/admission-control.ts'
import type { ListenOptions } from '../../../src/server/http/listener.ts'
import { toOutcome, type ReplyHandler } from '../../support/server/make-request.ts'
import { makeGate, openConnection, openListener } from '../../support/server/raw-client.ts'

/** Returns a fake sweep timer: each call is one sweep, five seconds after the last. */
function openSweeps() {
  let run = (): void => {}
  const every: ListenOptions['every'] = (_intervalMs, given) => {
    run = given
    return () => {}
  }
  return {
    every,
    passSeconds(seconds: number) {
      for (let passed = 0; passed < seconds; passed += 5) run()
    },
  }
}

/** Makes an overload rule in which the kind of a request is its path. */
const makeOverload = (limits: Partial<Overload['limits']> = {}): Overload => ({
  limits: { maxRunning: 1, maxQueued: 1, maxWaitMs: 60_000, ...limits },
  classify: ({ rawPath }) => rawPath.slice(1) as RequestKind,
  toRefusal: (_request, why) =>
    toOutcome({ status: why === 'busy' ? 503 : 400, body: `too ${why}` }),
})

const post = (path: string, length: number): string =>
  `POST ${path} HTTP/1.1\r\nHost: h\r\nContent-Length: ${length}\r\n\r\n`
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`

/** Returns a handler that answers when it is released, and lists the requests that have arrived. */
function holdRequests(): { handler: ReplyHandler; arrived: string[]; release: () => void } {
  const arrived: string[] = []
  const gate = makeGate()
  return {
    arrived,
    release: gate.open,
    handler: async ({ rawPath }) => {
      arrived.push(rawPath)
      await gate.opened
      return { status: 200, body: `done ${rawPath}` }
    },
  }
}

const readAll: ReplyHandler = async ({ body, slot }) => {
  let length = 0
  for await (const chunk of body) length += (chunk as Buffer).length
  if (slot !== undefined && !(await slot.acquire())) return { status: 503, body: 'too busy' }
  return { status: 200, body: `read ${length}` }
}

describe('too many requests at once', () => {
  it('a request is refused at once if the running and the waiting requests are at their limits', async () => {
    const { handler, arrived, release } = holdRequests()
    const { listener } = await openListener(handler, { overload: makeOverload() })
    const [first, second, third] = await Promise.all([1, 2, 3].map(() => openConnection(listener)))
    first?.write(get('/document'))
    await expect.poll(() => arrived).toHaveLength(1)
    second?.write(get('/document'))
    await expect
      .poll(async () => {
        const probe = await openConnection(listener)
        probe.write(get('/document'))
        return (await probe.until(/too busy/)).slice(9, 12)
      })
      .toBe('503')
    third?.write(post('/data', 10 ** 9))
    expect(await third?.until(/too busy/)).toMatch(/503 .*connection: close/is)
    expect(arrived).toHaveLength(1)
    release()
    await first?.until(/done/)
    await second?.until(/done/)
  })

  it('health checks and metrics are answered under overload', async () => {
    const { handler } = holdRequests()
    const answer: ReplyHandler = async (request) =>
      request.rawPath === '/free' ? { status: 200, body: 'well' } : handler(request)
    const { listener } = await openListener(answer, { overload: makeOverload({ maxQueued: 0 }) })
    const [first, other] = [await openConnection(listener), await openConnection(listener)]
    first.write(get('/document'))
    other.write(get('/document'))
    expect(await other.until(/too busy/)).toMatch(/too busy/)
    other.write(get('/free'))
    expect(await other.until(/well/)).toMatch(/well/)
  })

  it('requests whose content is still being transferred do not count as running', async () => {
    const endless: ReplyHandler = async (request) => {
      if (request.method !== 'GET') return readAll(request)
      const body = new Readable({ read() {} })
      body.push('begun')
      return { status: 200, body }
    }
    const { listener } = await openListener(endless, { overload: makeOverload({ maxQueued: 0 }) })
    const connections = await Promise.all(Array.from({ length: 6 }, () => openConnection(listener)))
    for (const [index, connection] of connections.entries()) {
      connection.write(index % 2 === 0 ? get('/data') : post('/data', 8))
      if (index % 2 === 0) await connection.until(/200 OK/)
      else connection.write('four')
    }
    for (const [index, connection] of connections.entries()) {
      if (index % 2 === 0) continue
      connection.write('more')
      expect(await connection.until(/read 8/)).toMatch(/read 8/)
    }
  })

  it('a form takes no slot before its body has arrived', async () => {
    const { listener } = await openListener(readAll, { overload: makeOverload({ maxQueued: 0 }) })
    const slow = await Promise.all(Array.from({ length: 5 }, () => openConnection(listener)))
    for (const connection of slow) connection.write(`${post('/form', 8)}four`)
    const quick = await openConnection(listener)
    quick.write(`${post('/form', 4)}four`)
    expect(await quick.until(/read 4/)).toMatch(/read 4/)
    for (const connection of slow) {
      connection.write('more')
      expect(await connection.until(/read 8/)).toMatch(/read 8/)
    }
  })

  it('a form counts as running once its body has arrived', async () => {
    const gate = makeGate()
    const taken = makeGate()
    const handler: ReplyHandler = async (request) => {
      const reply = await readAll(request)
      taken.open()
      if (reply.status === 200) await gate.opened
      return reply
    }
    const overload = makeOverload({ maxQueued: 0 })
    const { listener } = await openListener(handler, { overload })
    const [first, second] = [await openConnection(listener), await openConnection(listener)]
    first.write(`${post('/form', 4)}four`)
    await taken.opened
    second.write(`${post('/form', 4)}four`)
    expect(await second.until(/too busy/)).toMatch(/ 503 /)
    gate.open()
    expect(await first.until(/read 4/)).toMatch(/ 200 /)
  })

  it('a request that gives up its slot lets others run', async () => {
    const gate = makeGate()
    const held: ReplyHandler = async (request) => {
      if (request.method === 'GET') return { status: 200, body: 'next' }
      await request.slot?.acquire()
      request.slot?.release()
      await gate.opened
      return { status: 200, body: 'held' }
    }
    const { listener } = await openListener(held, { overload: makeOverload({ maxQueued: 0 }) })
    const [first, second] = [await openConnection(listener), await openConnection(listener)]
    first.write(post('/form', 0))
    second.write(get('/document'))
    expect(await second.until(/next/)).toMatch(/next/)
    gate.open()
    expect(await first.until(/held/)).toMatch(/held/)
  })
})

describe('the waiting queue', () => {
  it('the queue is served in order, refuses a request that waited too long, and gives each slot once', async () => {
    const timers: (() => void)[] = []
    const limits = { maxRunning: 1, maxQueued: 3, maxWaitMs: 500 }
    const limiter = createConcurrencyLimiter(limits, (_ms, run) => {
      timers.push(run)
      return () => {}
    })
    expect(limiter.tryAcquire()).toBe(true)
    expect(limiter.tryAcquire()).toBe(false)
    const order: string[] = []
    const wait = (name: string) => limiter.acquire().then((isIn) => order.push(`${name} ${isIn}`))
    const all = [wait('a'), wait('b'), wait('c'), wait('d')]
    await all[3]
    timers[1]?.()
    await all[1]
    limiter.release()
    await all[0]
    limiter.release()
    await all[2]
    expect(order).toEqual(['d false', 'b false', 'a true', 'c true'])
    limiter.release()
    expect(limiter.tryAcquire()).toBe(true)
    expect(limiter.tryAcquire()).toBe(false)
  })
})

describe('slow request bodies', () => {
  async function drip(kind: RequestKind, { bytes = 0, seconds = 0, isRead = true } = {}) {
    const { every, passSeconds } = openSweeps()
    const started = makeGate()
    let received = 0
    const handler: ReplyHandler = (request) => {
      started.open()
      if (!isRead) return new Promise(() => {})
      request.body.on('data', (chunk: Buffer) => (received += chunk.length))
      return new Promise((resolve) => {
        request.body.once('end', () => resolve({ status: 200, body: `read ${received}` }))
      })
    }
    const overload = makeOverload()
    const classify: Overload['classify'] = (request) => {
      started.open()
      return overload.classify(request)
    }
    const options = { every, overload: { ...overload, classify } }
    const { listener } = await openListener(handler, options)
    const connection = await openConnection(listener)
    connection.write(post(`/${kind}`, 10 ** 6))
    connection.write(Buffer.alloc(bytes))
    await started.opened
    if (isRead) await expect.poll(() => received).toBe(bytes)
    passSeconds(seconds)
    return connection
  }

  it.each<[RequestKind, number]>([
    ['form', 30],
    ['document', 30],
    ['data', 60],
    ['upload-form', 60],
  ])('the body of a %s is given up after %i seconds without data', async (kind, seconds) => {
    // The request head counts too: its bytes extend the time a little.
    const connection = await drip(kind, { seconds: seconds + 5 })
    expect(await connection.toEnd()).toMatch(/ 400 .*too slow/s)
  })

  it('a body is not given up while its average rate is sufficient', async () => {
    const connection = await drip('data', { bytes: 60 * 1024, seconds: 110 })
    connection.write(Buffer.alloc(10 ** 6 - 60 * 1024))
    expect(await connection.until(/read 1000000/)).toMatch(/read 1000000/)
  })

  it('a body is given up after an hour of one byte now and then', async () => {
    const connection = await drip('data', { bytes: 360, seconds: 3600 })
    expect(await connection.toEnd()).toMatch(/too slow/)
  })

  it('a body that the handler does not read is not the fault of the client', async () => {
    const connection = await drip('data', { bytes: 10_000, seconds: 3600, isRead: false })
    expect(connection.socket.readyState).toBe('open')
  })

  it('a body that the client holds back for 100 Continue is not timed', async () => {
    const { every, passSeconds } = openSweeps()
    const asked = makeGate()
    const decided = makeGate()
    const handler: ReplyHandler = async (request) => {
      asked.open()
      await decided.opened
      return readAll(request)
    }
    const { listener } = await openListener(handler, { every, overload: makeOverload() })
    const connection = await openConnection(listener)
    connection.write(
      'PUT /data HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n',
    )
    await asked.opened
    passSeconds(3600)
    decided.open()
    expect(await connection.until(/100 Continue/)).toMatch(/100 Continue/)
    connection.write('four')
    expect(await connection.until(/read 4/)).toMatch(/read 4/)
  })

  it('a request whose body is too slow is logged once', async () => {
    const { every, passSeconds } = openSweeps()
    const options = { every, overload: makeOverload() }
    const { listener, lines } = await openListener(readAll, options)
    const connection = await openConnection(listener)
    connection.write(post('/document', 1000))
    await expect.poll(() => (passSeconds(30), lines.length)).toBe(1)
    expect(lines[0]?.facts).toMatchObject({ path: '/document', status: 400, bytes: 8 })
    await connection.toEnd()
    expect(lines).toHaveLength(1)
  })

  it('a body after a refused request is given up too', async () => {
    const { every, passSeconds } = openSweeps()
    const { listener } = await openListener(async () => ({ status: 403, body: 'no' }), {
      every,
      overload: makeOverload(),
    })
    const connection = await openConnection(listener)
    connection.write(post('/document', 1000))
    connection.write('x')
    expect(await connection.until(/no$/)).toMatch(/no$/)
    passSeconds(60)
    await connection.toEnd()
  })
})

describe('slow clients', () => {
  it('a client that reads almost nothing is disconnected', async () => {
    const { every, passSeconds } = openSweeps()
    const endless = new Readable({
      read() {
        this.push(Buffer.alloc(1 << 16))
      },
    })
    const { listener } = await openListener(async () => ({ status: 200, body: endless }), { every })
    const connection = await openConnection(listener)
    connection.socket.pause()
    connection.write(get('/'))
    const closed = new Promise((resolve) => endless.on('error', () => {}).once('close', resolve))
    await once(endless, 'pause')
    await new Promise((resolve) => setImmediate(resolve))
    // The sockets hold some megabytes; at the minimum average rate they last for some hours.
    passSeconds(24 * 3600)
    await closed
    expect(endless.destroyed).toBe(true)
  })
})

describe('the connection limit', () => {
  it('connections beyond the limit are closed, and the others continue', async () => {
    const { handler, release, arrived } = holdRequests()
    const { listener } = await openListener(handler, { maxConnections: 1 })
    const first = await openConnection(listener)
    first.write(get('/document'))
    await expect.poll(() => arrived).toHaveLength(1)
    const second = await openConnection(listener)
    await second.toEnd()
    release()
    expect(await first.until(/done/)).toMatch(/done/)
  })

  it('idle connections are closed when the limit is reached', async () => {
    const { listener } = await openListener(async () => ({ status: 200, body: 'ok' }), {
      maxConnections: 1,
    })
    const idle = await openConnection(listener)
    idle.write(get('/'))
    expect(await idle.until(/ok/)).toMatch(/ok/)
    const second = await openConnection(listener)
    await second.toEnd()
    await idle.toEnd()
    const third = await openConnection(listener)
    third.write(get('/'))
    expect(await third.until(/ok/)).toMatch(/ok/)
  })
})
