/** Checks step by step whether an address can be reached: the first step that fails is the one to fix. */
import { lookup } from 'node:dns/promises'
import { connect, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { isLoopbackHost } from '../../base/http/loopback.ts'
import type { ErrorStage } from '../../base/errors.ts'
import { findProxy } from '../../base/http/proxy-tunnel.ts'
import { toPrintable } from '../../base/terminal/printable.ts'
import { readTlsOptions } from '../../base/http/tls-options.ts'
import type { NetOptions } from '../../client/options.ts'
import type { Check } from './check.ts'

interface Target {
  readonly name: ErrorStage
  readonly url: URL
}

const dayMs = 86_400_000
/** A certificate that expires sooner gets a warning. */
const soonDays = 14

/** Checks DNS, TCP and the TLS chain of an address. @throws {StsCliError} For a CA file or a client certificate that cannot be used. */
export async function checkReach(target: Target, net: NetOptions, nowMs: number): Promise<Check> {
  const { name, url } = target
  const proxy = findProxy(url, net.env)
  if (proxy !== undefined) {
    const host = URL.canParse(proxy) ? new URL(proxy).host : 'the proxy'
    const fix = `if ${url.host} is on your own network, add ${url.hostname} to NO_PROXY`
    return { name, level: 'warn', message: `${url.origin} is reached through ${host}`, fix }
  }
  try {
    await lookup(url.hostname.replace(/^\[|\]$/g, ''))
    const socket = await open(url, net)
    socket.destroy()
  } catch (error) {
    return { name, level: 'fail', ...toConnectionFinding(error, url) }
  }
  if (url.protocol === 'http:') return describePlain(target)
  return checkChain(target, net, nowMs)
}

function describePlain({ name, url }: Target): Check {
  if (isLoopbackHost(url.hostname))
    return { name, level: 'pass', message: `${url.origin} answers on this machine` }
  return {
    name,
    level: 'warn',
    message: `${url.origin} answers, without https: secrets travel in the clear`,
    fix: 'use its https address',
  }
}

async function checkChain({ name, url }: Target, net: NetOptions, nowMs: number): Promise<Check> {
  const options = await readTlsOptions(url, { ...net, stage: name })
  let socket: TLSSocket
  try {
    socket = await openTls(url, net, options)
  } catch (error) {
    return { name, level: 'fail', ...toTlsFinding(error, url) }
  }
  const { valid_to: end, issuer } = socket.getPeerCertificate()
  const isTrusted = socket.authorized
  socket.destroy()
  const by = toPrintable(String(issuer?.CN ?? issuer?.O ?? 'an unnamed authority'), 100)
  if (!isTrusted)
    return {
      name,
      level: 'warn',
      message: `${url.origin} answers with a certificate by ${by} that nobody checked (-k)`,
      fix: 'name its authority with --ca-file and leave -k out',
    }
  const daysLeft = Math.floor((Date.parse(end) - nowMs) / dayMs)
  const message = `${url.origin} answers, certificate by ${by}, ${daysLeft} days left`
  if (daysLeft >= soonDays) return { name, level: 'pass', message }
  return { name, level: 'warn', message, fix: 'have the certificate renewed' }
}

function open(url: URL, { timeoutMs }: NetOptions): Promise<Socket> {
  return settle(connect({ host: hostOf(url), port: portOf(url) }), 'connect', timeoutMs)
}

function openTls(url: URL, { timeoutMs }: NetOptions, options: object): Promise<TLSSocket> {
  const host = hostOf(url)
  // Server Name Indication takes names only, no addresses (RFC 6066 §3).
  const servername = /^[\d.]+$|:/.test(host) ? {} : { servername: host }
  const socket = connectTls({ host, port: portOf(url), ...servername, ...options })
  return settle(socket, 'secureConnect', timeoutMs)
}

function settle<T extends Socket>(socket: T, event: string, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    socket.setTimeout(timeoutMs, () =>
      socket.destroy(Object.assign(new Error('time limit reached'), { code: 'ETIMEDOUT' })),
    )
    socket.once('error', reject)
    socket.once(event, () => resolve(socket))
  })
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '')
}

function portOf({ port, protocol }: URL): number {
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
}

type Finding = Pick<Check, 'message' | 'fix'>

function toConnectionFinding(error: unknown, url: URL): Finding {
  const code = codeOf(error)
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return {
      message: `the host ${url.hostname} is not known to DNS (${code})`,
      fix: 'check the address for a typing mistake, and that a VPN it needs is up',
    }
  if (code === 'ECONNREFUSED')
    return {
      message: `nothing listens at ${url.host}`,
      fix: 'start it, or check the port; sts-cli serve starts one on this machine',
    }
  if (code === 'ETIMEDOUT')
    return {
      message: `${url.host} does not answer`,
      fix: 'a firewall may be in the way; behind a proxy, set HTTPS_PROXY',
    }
  return { message: `${url.host} cannot be reached (${code})`, fix: 'check the network' }
}

const untrusted =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_UNTRUSTED)/

function toTlsFinding(error: unknown, url: URL): Finding {
  const code = codeOf(error)
  if (untrusted.test(code))
    return {
      message: `the certificate of ${url.host} is by an authority that is not trusted (${code})`,
      fix: 'name the authority: --ca-file FILE, or STS_CLI_CA_FILE',
    }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return {
      message: `the certificate of ${url.host} is not valid today (${code})`,
      fix: 'compare the clocks; if they agree, have the certificate renewed',
    }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return {
      message: `the certificate of ${url.host} is for another name`,
      fix: 'use the name that stands in the certificate',
    }
  if (/WRONG_VERSION|PACKET_LENGTH|EPROTO|ECONNRESET/.test(code))
    return {
      message: `${url.host} does not speak TLS (${code})`,
      fix: `if it speaks http, write http://${url.host}`,
    }
  return { message: `no TLS with ${url.host} (${code})`, fix: 'check the address' }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
}
