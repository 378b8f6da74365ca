import { writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import path from 'node:path'
import type { Duplex } from 'node:stream'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { findProxy } from '../../../src/base/http/proxy-tunnel.ts'
import { makeCertificate } from '../../../src/server/http/self-signed-certificate.ts'
import {
  errorOf,
  findClosedPort,
  idpToken,
  openStage,
  startFake,
  tokenAnswer,
  type Ran,
  type Stage,
} from '../../support/commands/harness.ts'

const proxy = 'http://proxy:3128'

describe('proxy for a URL', () => {
  it.each<[string, Record<string, string>, string | undefined]>([
    ['https://h/', { HTTPS_PROXY: proxy }, proxy],
    ['https://h/', { https_proxy: proxy }, proxy],
    ['https://h/', { https_proxy: proxy, HTTPS_PROXY: 'http://other' }, proxy],
    ['https://h/', { https_proxy: '', HTTPS_PROXY: proxy }, proxy],
    ['https://h/', { HTTP_PROXY: proxy }, undefined],
    ['http://h/', { HTTP_PROXY: proxy }, proxy],
    ['http://h/', { HTTPS_PROXY: proxy }, undefined],
    ['http://h/', { ALL_PROXY: proxy }, proxy],
    ['https://h/', { ALL_PROXY: 'http://other', HTTPS_PROXY: proxy }, proxy],
    ['https://h/', {}, undefined],
    ['https://h/', { HTTPS_PROXY: '' }, undefined],
    ['https://h/', { HTTPS_PROXY: 'proxy:3128' }, proxy],
  ])('the proxy for %s with %j is %s', (url, env, expected) => {
    expect(findProxy(new URL(url), env)).toBe(expected)
  })

  it.each([
    'http://localhost:9000/',
    'http://minio.localhost/',
    'http://127.0.0.1:9000/',
    'http://127.8.8.8/',
    'http://[::1]/',
  ])('a loopback URL uses no proxy: %s', (url) => {
    expect(findProxy(new URL(url), { HTTP_PROXY: proxy, ALL_PROXY: proxy })).toBeUndefined()
  })

  it.each<[string, string, boolean]>([
    ['https://example.com/', '*', true],
    ['https://example.com/', 'example.com', true],
    ['https://a.example.com/', 'example.com', true],
    ['https://notexample.com/', 'example.com', false],
    ['https://example.com/', '.example.com', false],
    ['https://a.b.example.com/', '.example.com', true],
    ['https://a.example.com/', '*.example.com', true],
    ['https://example.com/', 'EXAMPLE.com', true],
    ['https://example.com/', 'a.com, example.com ,b.com', true],
    ['https://example.com/', 'a.com b.com', false],
    ['https://example.com/', 'example.com:443', true],
    ['https://example.com/', 'example.com:8443', false],
    ['https://example.com:8443/', 'example.com:8443', true],
    ['https://example.com:8443/', 'example.com', true],
    ['https://10.0.0.5/', '10.0.0.5', true],
    ['https://10.0.0.5/', '10.0.0.6', false],
    ['https://example.com/', '', false],
    ['https://example.com/', ',,', false],
  ])('a URL is exempt from the proxy: %s with NO_PROXY=%j: %s', (url, list, isExempt) => {
    const upper = findProxy(new URL(url), { HTTPS_PROXY: proxy, NO_PROXY: list })
    const lower = findProxy(new URL(url), { HTTPS_PROXY: proxy, no_proxy: list })
    expect([upper, lower]).toEqual(isExempt ? [undefined, undefined] : [proxy, proxy])
  })
})

describe('requests through a proxy', () => {
  let stage: Stage
  let tunnels: { target: string; authorization: string | undefined }[]
  /** The address at which every tunnel ends, whatever its target. */
  let destination: string

  beforeEach(async () => {
    stage = await openStage()
    tunnels = []
    destination = stage.idp.url
  })

  async function startProxy(refusal?: string): Promise<string> {
    const server = createServer()
    server.on('connect', (request: IncomingMessage, client: Duplex) => {
      tunnels.push({
        target: request.url ?? '',
        authorization: request.headers['proxy-authorization'],
      })
      if (refusal !== undefined) {
        client.end(`HTTP/1.1 ${refusal}\r\ncontent-length: 0\r\n\r\n`)
        return
      }
      const upstream = connect(Number(new URL(destination).port), '127.0.0.1', () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n')
        upstream.pipe(client)
        client.pipe(upstream)
      })
      upstream.on('error', () => client.destroy())
      client.on('error', () => upstream.destroy())
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    return `127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  const getToken = (url: string, env: Record<string, string>, ...flags: string[]): Promise<Ran> =>
    stage.cli(
      ['token', '-idp-ep', url, '-cid', 'x', '-csec', 'y', '--retries=0', '--json', ...flags],
      { env },
    )

  it('a request through a proxy reaches a host that only the proxy knows', async () => {
    const address = await startProxy()
    const ran = await getToken('http://idp.made-up.test/token?a=b', {
      HTTP_PROXY: `http://me:pass@${address}`,
    })
    expect(ran.code).toBe(0)
    expect(JSON.parse(ran.stdout)).toMatchObject({ access_token: idpToken })
    expect(tunnels).toEqual([
      {
        target: 'idp.made-up.test:80',
        authorization: `Basic ${Buffer.from('me:pass').toString('base64')}`,
      },
    ])
    expect(stage.idp.seen[0]).toMatchObject({ method: 'POST', url: '/token?a=b' })
    expect(stage.idp.seen[0]?.headers.host).toBe('idp.made-up.test')
  })

  it('https through a proxy is end to end: the host’s own certificate must be trusted', async () => {
    const certificate = await makeCertificate(Date.now())
    const secure = await startFake(tokenAnswer(), certificate)
    destination = secure.url
    const caFile = path.join(stage.home, 'ca.pem')
    await writeFile(caFile, certificate.cert)
    const env = { HTTPS_PROXY: `http://${await startProxy()}` }
    const url = 'https://idp.made-up.test/token'
    expect((await getToken(url, env, '-k')).code).toBe(0)
    expect(secure.seen).toHaveLength(1)
    const untrusted = await getToken(url, env)
    expect(errorOf(untrusted)).toMatchObject({ code: 'ERR_UNAVAILABLE', stage: 'idp' })
    expect(errorOf(untrusted)['message']).toContain('is not trusted')
    const otherName = await getToken(url, env, '--ca-file', caFile)
    expect(errorOf(otherName)['message']).toContain('ERR_TLS_CERT_ALTNAME_INVALID')
    expect(secure.seen).toHaveLength(1)
    expect(tunnels[0]?.target).toBe('idp.made-up.test:443')
  })

  it('a proxy address without a scheme is http, as for curl and Go', async () => {
    const env = { HTTP_PROXY: await startProxy() }
    expect((await getToken('http://idp.made-up.test/token', env)).code).toBe(0)
  })

  it('a request through a proxy times out after --timeout', async () => {
    stage.idp.answer = 'hang'
    const env = { HTTP_PROXY: `http://${await startProxy()}` }
    const ran = await getToken('http://idp.made-up.test/token', env, '--timeout=1s')
    expect(errorOf(ran)).toMatchObject({ code: 'ERR_TIMEOUT', exitCode: 75 })
  })

  it('a request to a loopback address does not use the proxy', async () => {
    const env = { HTTP_PROXY: `http://${await startProxy()}` }
    expect((await getToken(stage.idp.url, env)).code).toBe(0)
    expect(tunnels).toEqual([])
  })

  it('a proxy that refuses exits 69 without its password in the message', async () => {
    const env = { HTTP_PROXY: `http://me:hunter2@${await startProxy('407 No')}` }
    const ran = await getToken('http://idp.made-up.test/token', env, '--debug')
    expect(ran.code).toBe(69)
    expect(ran.stderr).not.toContain('hunter2')
  })

  it('an unreachable proxy exits 69, and the error names the proxy', async () => {
    const address = `127.0.0.1:${await findClosedPort()}`
    const ran = await getToken('http://idp.made-up.test/token', { HTTP_PROXY: `http://${address}` })
    expect(ran.code).toBe(69)
    expect(errorOf(ran)['message']).toBe(`nothing listens at ${address}`)
    expect(errorOf(ran)['hint']).toBe('check HTTPS_PROXY and NO_PROXY')
  })

  it.each(['socks5://127.0.0.1:1', 'http://', 'http://:x@h:port'])(
    'an invalid proxy is a configuration error: %s',
    async (text) => {
      const ran = await getToken('http://idp.made-up.test/token', { HTTP_PROXY: text })
      expect(errorOf(ran)).toMatchObject({ code: 'ERR_CONFIG', exitCode: 78 })
    },
  )
})
