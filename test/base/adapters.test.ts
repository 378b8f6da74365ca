import { describe, expect, it } from 'vitest'
import { getErrorReasons, exitCodes, type ErrorReason } from '../../src/base/error-reasons.ts'
import { StsCliError } from '../../src/base/errors.ts'
import { isLoopback, isLoopbackHost } from '../../src/base/http/loopback.ts'
import {
  parseJson,
  parseJsonObject,
  readNumber,
  readString,
  readStrings,
} from '../../src/base/parse.ts'
import { toPrintable } from '../../src/base/terminal/printable.ts'

describe('loopback addresses', () => {
  it.each([
    'http://localhost',
    'https://LOCALHOST:9443/x',
    'http://minio.localhost:9000',
    'http://127.0.0.1',
    'http://127.1.2.3:1',
    'http://127.1',
    'http://2130706433',
    'http://[::1]:9000',
    'http://[0:0:0:0:0:0:0:1]',
  ])('%s is a loopback URL', (url) => {
    expect(isLoopback(url)).toBe(true)
  })

  it.each([
    'http://localhost.example.com',
    'http://notlocalhost',
    'http://127.0.0.1.example.com',
    'http://localhost@example.com',
    'http://example.com/localhost',
    'http://128.0.0.1',
    'http://[::2]',
    'http://0.0.0.0',
    'localhost',
    '',
  ])('%j is not a loopback URL', (url) => {
    expect(isLoopback(url)).toBe(false)
  })

  it('isLoopbackHost() accepts a host with or without brackets', () => {
    expect(['::1', '[::1]', 'localhost', '10.0.0.1'].map(isLoopbackHost)).toEqual([
      true,
      true,
      true,
      false,
    ])
  })
})

describe('printable text', () => {
  it.each([
    ['plain ü € 😀', 'plain ü € 😀'],
    ['a\nb\r\tc', 'a b  c'],
    ['\u001b[31mred\u001b[0m', '[31mred [0m'],
    ['\u009b2J\u007f\u0085x', '2J  x'],
    ['  room  ', 'room'],
  ])('toPrintable() shows %j as %j', (text, shown) => {
    expect(toPrintable(text, 100)).toBe(shown)
  })

  it('toPrintable() cuts a long text', () => {
    expect(toPrintable('x'.repeat(500), 300)).toHaveLength(300)
  })
})

describe('unchecked values', () => {
  it('readString(), readNumber() and readStrings() return only values of their type', () => {
    const object = { s: 'x', n: 5, i: Number.POSITIVE_INFINITY, l: ['a', 5, 'b'], o: {} }
    expect(['s', 'n', 'none', 'toString'].map((name) => readString(object, name))).toEqual([
      'x',
      undefined,
      undefined,
      undefined,
    ])
    expect(['n', 's', 'i'].map((name) => readNumber(object, name))).toEqual([
      5,
      undefined,
      undefined,
    ])
    expect(['l', 's', 'o', 'none'].map((name) => readStrings(object, name))).toEqual([
      ['a', 'b'],
      ['x'],
      [],
      [],
    ])
  })

  it('parseJson() and parseJsonObject() return undefined for invalid JSON', () => {
    expect(parseJson('{"a":1}')).toEqual({ a: 1 })
    expect(parseJson('{')).toBeUndefined()
    expect(['[]', 'null', '"x"', '5', '{'].map(parseJsonObject)).toEqual(
      Array.from({ length: 5 }, () => undefined),
    )
    expect(parseJsonObject('{"__proto__":{"x":1}}')).not.toHaveProperty('x')
  })
})

describe('reasons and exit codes', () => {
  it.each(Object.entries(getErrorReasons()))(
    'an error with the reason %s is %s',
    (reason, code) => {
      const error = new StsCliError(reason as ErrorReason, 'x')
      expect(error).toMatchObject({ reason, code, exitCode: exitCodes[code] })
      expect(reason).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/)
    },
  )

  it('an unknown reason does not compile', () => {
    // @ts-expect-error A reason that the table does not have.
    expect(new StsCliError('no-such-reason', 'x').code).toBeUndefined()
  })

  it('each exit code has a reason', () => {
    expect(new Set(Object.values(getErrorReasons()))).toEqual(new Set(Object.keys(exitCodes)))
  })

  it('the exit codes are those of the contract', () => {
    expect(Object.values(exitCodes)).toEqual([1, 64, 65, 66, 68, 69, 70, 73, 74, 75, 76, 77, 78])
  })
})
