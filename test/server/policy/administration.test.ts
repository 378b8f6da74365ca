/** Actions of the administration and of the STS are about no bucket. */
import { describe, expect, it } from 'vitest'
import { decide } from '../../support/server/policy-requests.ts'

const inTeam = 'arn:aws:s3:::team/*'
const questions = ['admin:RemoveServiceAccount', 'sts:AssumeRoleWithWebIdentity'].map((action) => ({
  action,
  at: '',
}))

describe.each(questions)('a statement about $action', (question) => {
  const [service] = question.action.split(':')

  it.each([
    ['every action in one bucket', { Action: '*', Resource: inTeam }],
    [
      'every action in one bucket, of both services',
      { Action: [`${service}:*`, 's3:*'], Resource: inTeam },
    ],
    ['every action on objects of every bucket', { Action: '*', Resource: 'arn:aws:s3:::*/*' }],
    ['all but reading in one bucket', { NotAction: 's3:Get*', Resource: inTeam }],
    ['every action on all but everything', { Action: '*', NotResource: '*' }],
  ])('is not one about %s', (_, statement) => {
    expect(decide({ Effect: 'Allow', ...statement }, question)).toBe('none')
    expect(decide({ Effect: 'Deny', ...statement }, question)).toBe('none')
  })

  it.each([
    ['every action on everything', { Action: '*', Resource: '*' }],
    ['every action on every bucket', { Action: '*', Resource: 'arn:aws:s3:::*' }],
    ['the service alone, with a bucket', { Action: `${service}:*`, Resource: inTeam }],
    ['the service alone', { Action: question.action }],
    ['all but reading, everywhere', { NotAction: 's3:Get*', Resource: '*' }],
    ['every action on all but one bucket', { Action: '*', NotResource: inTeam }],
  ])('is one about %s', (_, statement) => {
    expect(decide({ Effect: 'Allow', ...statement }, question)).toBe('Allow')
    expect(decide({ Effect: 'Deny', ...statement }, question)).toBe('Deny')
  })
})
