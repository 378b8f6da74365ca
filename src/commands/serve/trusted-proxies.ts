/** `--trusted-proxy` → the networks whose proxies say who their clients are. */
import type { BlockList } from 'node:net'
import { parseNetwork } from '../../base/ip-network.ts'
import type { Settings } from '../options/settings.ts'
import { serveError } from './variables.ts'

const maxNetworks = 64

/**
 * Reads the networks, each an address or in CIDR notation.
 *
 * @throws {StsCliError} `ERR_USAGE` for a text that is neither, and for a network of all addresses: then every client could choose the
 *   address that policies see.
 */
export function readTrustedProxies(settings: Settings): readonly string[] {
  const networks = settings.list('trusted-proxy')
  if (networks.length > maxNetworks)
    throw serveError(
      'trusted-proxy-invalid',
      `more than ${maxNetworks} --trusted-proxy are given`,
      { hint: 'name the network that holds them' },
    )
  for (const network of networks) {
    const what = `--trusted-proxy ${JSON.stringify(network)}`
    const list = parseNetwork(network)
    if (list === undefined)
      throw serveError('trusted-proxy-invalid', `${what} is not an address or a network`, {
        hint: 'write the address from which the proxy connects: 127.0.0.1, 10.0.0.0/8 or fd00::/8',
      })
    if (isOfAllAddresses(list))
      throw serveError(
        'trusted-proxy-invalid',
        `${what} trusts every address: any client could say that it is another`,
        { hint: 'name the networks of your proxies alone' },
      )
  }
  return networks
}

function isOfAllAddresses(list: BlockList): boolean {
  const isIn = (address: string): boolean =>
    list.check(address, address.includes(':') ? 'ipv6' : 'ipv4')
  const last = Array.from({ length: 8 }, () => 'ffff').join(':')
  return (isIn('0.0.0.0') && isIn('255.255.255.255')) || (isIn('::') && isIn(last))
}
