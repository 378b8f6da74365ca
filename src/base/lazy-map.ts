/** Returns a map that is made when it is first read, and then once. */
export function createLazyMap<K, V>(make: () => ReadonlyMap<K, V>): ReadonlyMap<K, V> {
  let made: ReadonlyMap<K, V> | undefined
  const open = (): ReadonlyMap<K, V> => (made ??= make())
  return {
    get size() {
      return open().size
    },
    get: (key) => open().get(key),
    has: (key) => open().has(key),
    keys: () => open().keys(),
    values: () => open().values(),
    entries: () => open().entries(),
    forEach: (run) => open().forEach((value, key, map) => run(value, key, map)),
    [Symbol.iterator]: () => open()[Symbol.iterator](),
  }
}
