import { expect, it } from 'vitest'
import { chooseSigningRegion, isAwsEndpoint } from '../../src/protocol/aws-endpoint.ts'

it.each([
  ['https://sts.eu-central-1.amazonaws.com', 'eu-central-1'],
  ['https://sts.eu-central-1.amazonaws.com:443/', 'eu-central-1'],
  ['https://sts.us-gov-west-1.amazonaws.com', 'us-gov-west-1'],
  ['https://sts.cn-north-1.amazonaws.com.cn', 'cn-north-1'],
  ['https://sts-fips.us-east-2.amazonaws.com', 'us-east-2'],
  ['https://sts.ap-southeast-3.api.aws', 'ap-southeast-3'],
  ['https://vpce-0a1b-2c3d.sts.eu-west-1.vpce.amazonaws.com', 'eu-west-1'],
  ['https://sts.amazonaws.com', 'us-east-1'],
])('a request to %s is signed for %s, whatever region is given', (endpoint, region) => {
  expect(chooseSigningRegion(endpoint, 'sa-east-1')).toBe(region)
  expect(isAwsEndpoint(endpoint)).toBe(true)
})

it.each([
  'http://localhost:9000',
  'https://minio.example/sts',
  'https://sts.eu-central-1.example.com',
  'https://sts.eu-central-1.amazonaws.com.evil.example',
  'https://evil.example/sts.eu-central-1.amazonaws.com',
  'https://evilamazonaws.com',
])('a request to %s, which is not AWS’s, is signed for the given region', (endpoint) => {
  expect(chooseSigningRegion(endpoint, 'sa-east-1')).toBe('sa-east-1')
  expect(isAwsEndpoint(endpoint)).toBe(false)
})
