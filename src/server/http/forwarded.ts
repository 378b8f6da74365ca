/**
 * Reads what a trusted proxy says of its client: X-Forwarded-For, -Proto, -Host and -Port, as nginx, Envoy and load balancers write them, and
 * Forwarded (RFC 7239). Anybody can send these headers, so they count only from an address that the operator named.
 */
import { isIP } from 'node:net'
import { parseNetwork, unmapAddress } from '../../base/ip-network.ts'
import { hostForm } from './framing.ts'

/** The client of a request: the one behind the trusted proxies where there are any, else the connection's. */
export interface ForwardedClient {
  /** Empty when the proxy does not say an address, such as for RFC 7239's `unknown`. No network contains the empty address. */
  readonly address: string
  readonly isTls: boolean
  /** The host that the client asked for; undefined when the request's own Host header is right. */
  readonly host: string | undefined
}

/** The connection of a request, and its headers as Node joins them: values of a repeated header with a comma. */
export interface Connection {
  readonly address: string
  readonly isTls: boolean
  readonly host: string
  readonly readHeader: (name: string) => string | undefined
}

/** Reads the client of a request; returns the text of a fault when the proxy's headers contradict each other. */
export type ReadClient = (connection: Connection) => ForwardedClient | string

/** What one kind of header says; the lists are from the client to the last proxy. Undefined is what a proxy has left out. */
interface Hops {
  readonly addresses: readonly string[]
  readonly schemes: readonly (string | undefined)[]
  readonly hosts: readonly (string | undefined)[]
}

/** Chains of proxies are short; only this many hops are read. */
const maxHops = 32

/**
 * Returns the reader of clients behind proxies at these networks, each an address or in CIDR notation.
 *
 * A proxy appends what it sees to what it got. So the hops are read from the last one, and the first address that is not a trusted proxy's
 * is the client: what stands before it was sent by the client itself.
 *
 * When a request has both kinds of header, one of them may have come from the client through a proxy that only writes the other. They must
 * then say the same.
 */
export function createClientReader(networks: readonly string[]): ReadClient {
  const lists = networks.flatMap((network) => parseNetwork(network) ?? [])
  const isTrusted = (address: string): boolean => {
    const plain = unmapAddress(address)
    const family = isIP(plain)
    if (family === 0) return false
    return lists.some((list) => list.check(plain, family === 4 ? 'ipv4' : 'ipv6'))
  }
  return (connection) => {
    const own = { address: connection.address, isTls: connection.isTls, host: undefined }
    if (lists.length === 0 || !isTrusted(connection.address)) return own
    const standard = readStandard(connection)
    if (standard === 'malformed') return 'the header Forwarded is not of its grammar (RFC 7239)'
    const clients = [standard, readCustomary(connection)].flatMap((hops) =>
      hops === undefined ? [] : [findClient(hops, connection, isTrusted)],
    )
    const [client = own, other] = clients
    if (other !== undefined && !isSame(client, other))
      return 'the headers Forwarded and X-Forwarded-* contradict each other: the proxy must remove the one that it does not write'
    if (client.host !== undefined && !hostForm.test(client.host))
      return 'the forwarded host is not a host name with a port'
    return client
  }
}

function isSame(left: ForwardedClient, right: ForwardedClient): boolean {
  return left.address === right.address && left.isTls === right.isTls && left.host === right.host
}

function findClient(
  { addresses, schemes, hosts }: Hops,
  connection: Connection,
  isTrusted: (address: string) => boolean,
): ForwardedClient {
  let at = addresses.length - 1
  while (at > 0 && isTrusted(addresses[at] ?? '')) at -= 1
  // A proxy writes the scheme and the host either for each hop, as the addresses, or once. Hops before the client's are the client's own words.
  const pick = (values: readonly (string | undefined)[]): string | undefined =>
    values.length === addresses.length
      ? values.slice(Math.max(at, 0)).find((value) => value !== undefined)
      : values.at(-1)
  const scheme = pick(schemes)
  const host = pick(hosts)
  return {
    address: at < 0 ? connection.address : (addresses[at] ?? ''),
    isTls: scheme === undefined ? connection.isTls : scheme.toLowerCase() === 'https',
    host: host === undefined || isPassedOn(host, connection.host) ? undefined : host,
  }
}

/** Returns whether the Host header is right already: it may have the port that proxies often leave out of X-Forwarded-Host. */
function isPassedOn(forwarded: string, host: string): boolean {
  const [left, right] = [forwarded.toLowerCase(), host.toLowerCase()]
  return left === right || left === right.replace(/:\d*$/, '')
}

/** Reads X-Forwarded-For, -Proto, -Host and -Port; undefined when the request has none of them. */
function readCustomary({ readHeader }: Connection): Hops | undefined {
  const [addresses, schemes, hosts, ports] = ['for', 'proto', 'host', 'port'].map((name) =>
    splitList(readHeader(`x-forwarded-${name}`)),
  )
  if (addresses === undefined || schemes === undefined || hosts === undefined) return undefined
  if (addresses.length + schemes.length + hosts.length === 0) return undefined
  return {
    addresses: addresses.map(readNode),
    schemes,
    hosts: hosts.map((host) => addPort(host, ports?.at(-1), schemes.at(-1))),
  }
}

/** Adds the forwarded port to a host without one, unless it is the scheme's own, which clients leave out of Host. */
function addPort(host: string, port: string | undefined, scheme: string | undefined): string {
  if (port === undefined || !/^\d{1,5}$/.test(port) || /:\d+$/.test(host)) return host
  return port === (scheme?.toLowerCase() === 'https' ? '443' : '80') ? host : `${host}:${port}`
}

function splitList(text: string | undefined): string[] {
  if (text === undefined || text.trim() === '') return []
  return text
    .split(',')
    .slice(-maxHops)
    .map((item) => item.trim())
}

/**
 * Matches one parameter of Forwarded and the separator after it (RFC 7239 §4). Colons and brackets should be quoted, and often are not.
 */
const parameterPattern =
  /\s*([\w!#$%&'*+.^`|~-]+)=(?:"((?:[^"\\]|\\.)*)"|([\w!#$%&'*+.^`|~:[\]-]+))\s*(;|,|$)/y

/**
 * Reads Forwarded; undefined when the request has none, and `malformed` when any part of it breaks the grammar: a client that opens a quote
 * could otherwise hide in it what the proxy appends.
 */
function readStandard({ readHeader }: Connection): Hops | 'malformed' | undefined {
  const text = readHeader('forwarded')
  if (text === undefined || text.trim() === '') return undefined
  const elements = splitElements(text)?.slice(-maxHops)
  if (elements === undefined) return 'malformed'
  const list = (name: string): (string | undefined)[] =>
    elements.map((element) => element.get(name))
  return {
    // Each proxy adds one element; one that hides the address of its client still counts as a hop.
    addresses: elements.map((element) => readNode(element.get('for') ?? '')),
    schemes: list('proto'),
    hosts: list('host'),
  }
}

/** Returns the parameters of each element by lower-case name; undefined for a text that breaks the grammar. */
function splitElements(text: string): Map<string, string>[] | undefined {
  let element = new Map<string, string>()
  const elements = [element]
  parameterPattern.lastIndex = 0
  for (;;) {
    const match = parameterPattern.exec(text)
    if (match === null) return undefined
    const [, name = '', quoted, plain = '', separator] = match
    if (element.has(name.toLowerCase())) return undefined
    element.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? plain)
    if (separator === '') return elements
    if (separator === ',') elements.push((element = new Map()))
  }
}

/** Returns the address of a node: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1` or `[2001:db8::1]:80`; empty for anything else. */
function readNode(text: string): string {
  const bare = text.replace(/^\[([^\]]*)\](?::\d+)?$/, '$1').replace(/^([\d.]+):\d+$/, '$1')
  return isIP(bare) === 0 ? '' : bare
}
