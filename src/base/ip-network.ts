/** Reads IP addresses and networks in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3). */
import { BlockList, isIP } from 'node:net'

/** Returns a list with one address or CIDR network; undefined for a text that is neither. */
export function parseNetwork(text: string): BlockList | undefined {
  const [address = '', prefix, ...rest] = text.split('/', 3)
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return undefined
  if (prefix !== undefined && !/^\d{1,3}$/.test(prefix)) return undefined
  const width = family === 4 ? 32 : 128
  const bits = prefix === undefined ? width : Number(prefix)
  if (bits > width) return undefined
  const list = new BlockList()
  list.addSubnet(address, bits, family === 4 ? 'ipv4' : 'ipv6')
  return list
}

/** Returns an address without the IPv6 prefix that an IPv6 socket puts before IPv4 addresses: `::ffff:10.0.0.1` is `10.0.0.1`. */
export function unmapAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '')
}
