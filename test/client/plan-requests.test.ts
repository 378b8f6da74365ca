import fc from 'fast-check'
import { expect, it } from 'vitest'
import { planRequests } from '../../src/client/plan-requests.ts'
import type { ExchangeOptions } from '../../src/client/options.ts'

const base: ExchangeOptions = {
  stsEndpoint: 'http://localhost:9000',
  action: 'web-identity',
  region: 'us-east-1',
}
const aws = 'https://sts.eu-central-1.amazonaws.com'

it.each<[string | undefined, Partial<ExchangeOptions>]>([
  ['sts-cli', { stsEndpoint: aws, roleArn: 'arn:r' }],
  ['sts-cli', { action: 'assume-role', roleArn: 'arn:r' }],
  ['mine', { stsEndpoint: aws, roleArn: 'arn:r', roleSessionName: 'mine' }],
  [undefined, { roleArn: 'arn:r' }],
  [undefined, { action: 'assume-role' }],
  [undefined, { stsEndpoint: aws }],
])('the session name is %s for %j', (name, options) => {
  expect(planRequests({ ...base, ...options })[0].roleSessionName).toBe(name)
})

it('in any chain each tag is set once, transitive ones by the first AssumeRole, and the lifetime by the last request', () => {
  const keys = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'))
  const chains = fc.record({
    action: fc.constantFrom('web-identity' as const, 'assume-role' as const),
    further: fc.integer({ min: 0, max: 4 }),
    keys,
    transitive: keys,
  })
  fc.assert(
    fc.property(chains, ({ action, further, keys: given, transitive }) => {
      const transitiveTagKeys = transitive.filter((key) => given.includes(key))
      const requests = planRequests({
        ...base,
        action,
        roleArn: 'arn:0',
        furtherRoleArns: Array.from({ length: further }, (_, i) => `arn:${i + 1}`),
        durationSeconds: 900,
        tags: given.map((key) => ({ key, value: 'v' })),
        transitiveTagKeys,
      })
      expect(requests.map(({ roleArn }) => roleArn)).toEqual(
        Array.from({ length: further + 1 }, (_, i) => `arn:${i}`),
      )
      expect(requests.filter(({ durationSeconds }) => durationSeconds === 900)).toEqual(
        requests.slice(-1),
      )
      const signed = requests.filter((request) => request.action === 'assume-role')
      const tagged = requests.flatMap(({ tags = [] }) => tags.map(({ key }) => key))
      expect(tagged.toSorted()).toEqual(signed.length === 0 ? [] : given.toSorted())
      expect(signed[0]?.transitiveTagKeys ?? transitiveTagKeys).toEqual(transitiveTagKeys)
      for (const key of transitiveTagKeys)
        expect(signed[0]?.tags?.map((tag) => tag.key) ?? [key]).toContain(key)
    }),
  )
})
