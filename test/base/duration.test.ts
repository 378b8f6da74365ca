import { describe, expect, it } from 'vitest'
import { formatDuration, parseDurationSeconds } from '../../src/base/duration.ts'

describe('durations', () => {
  it.each([
    ['900', 900],
    ['0', 0],
    ['900s', 900],
    ['15m', 900],
    ['1h', 3600],
    ['1h30m', 5400],
    ['1d2h3m4s', 93_784],
    ['007', 7],
    ['9999999999', 9_999_999_999],
  ])('the duration %s is %i seconds', (text, seconds) => {
    expect(parseDurationSeconds(text)).toBe(seconds)
  })

  it.each([
    '',
    ' ',
    '-1',
    '+1',
    '1.5h',
    '1e3',
    '0x10',
    'h',
    '1 h',
    '1h ',
    '1H',
    '1ms',
    '1w',
    '٣',
    '99999999999',
    'Infinity',
  ])('%j is not a duration', (text) => {
    expect(parseDurationSeconds(text)).toBeUndefined()
  })

  it.each([
    [0, '0s'],
    [-5, '0s'],
    [12.4, '12s'],
    [59.6, '1m 0s'],
    [3598, '59m 58s'],
    [3600, '1h 0m'],
    [7540, '2h 5m'],
    [86_400, '1d 0h'],
    [180_000, '2d 2h'],
  ])('%d seconds are formatted as %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text)
  })
})
