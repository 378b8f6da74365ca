import { describe, expect, it } from 'vitest'
import { readTrustedProxies } from '../../../src/commands/serve/trusted-proxies.ts'
import type { Settings } from '../../../src/commands/options/settings.ts'

const read = (...networks: string[]): readonly string[] =>
  readTrustedProxies({ list: () => networks } as unknown as Settings)

describe('--trusted-proxy', () => {
  it('--trusted-proxy takes addresses and networks', () => {
    const networks = ['127.0.0.1', '10.0.0.0/8', '::1', 'fd00::/8', '0.0.0.0/1']
    expect(read(...networks)).toEqual(networks)
    expect(read()).toEqual([])
  })

  it.each([
    '',
    'proxy.local',
    '10.0.0.0/33',
    '10.0.0/8',
    '10.0.0.0/8/8',
    '10.0.0.0/-1',
    'fd00::/129',
    ' 10.0.0.1',
  ])('--trusted-proxy %j is refused, because it is no network', (network) => {
    expect(() => read('127.0.0.1', network)).toThrow(`${JSON.stringify(network)} is not an address`)
  })

  it.each(['0.0.0.0/0', '10.0.0.0/0', '::/0', '::/00', '::ffff:0:0/96', '::ffff:1.2.3.4/80'])(
    '--trusted-proxy %s is refused, because any client could then choose its address',
    (network) => {
      expect(() => read(network)).toThrow('trusts every address')
    },
  )

  it('more networks than anybody has proxies are refused', () => {
    expect(() => read(...Array.from({ length: 65 }, () => '10.0.0.1'))).toThrow('more than 64')
  })
})
