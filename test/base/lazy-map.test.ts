import { describe, expect, it } from 'vitest'
import { createLazyMap } from '../../src/base/lazy-map.ts'

describe('a lazy map', () => {
  it('createLazyMap() makes its map at the first read, and only once', () => {
    let made = 0
    const map = createLazyMap(() => {
      made += 1
      return new Map([['a', 1]])
    })
    expect(made).toBe(0)
    expect([map.get('a'), map.has('b'), map.size, [...map]]).toEqual([1, false, 1, [['a', 1]]])
    expect(made).toBe(1)
  })

  it('createLazyMap() gives all that its map has, in the same order', () => {
    const entries: [string, number][] = [
      ['b', 2],
      ['a', 1],
    ]
    const map = createLazyMap(() => new Map(entries))
    const visited: [string, number][] = []
    map.forEach((value, key) => void visited.push([key, value]))
    expect([visited, [...map.entries()]]).toEqual([entries, entries])
    expect([[...map.keys()], [...map.values()]]).toEqual([
      ['b', 'a'],
      [2, 1],
    ])
  })
})
