/** Returns a map that is made when it is first read, and then once. */
export function createLazyMap<K, V>(make: () => ReadonlyMap<K, V>): ReadonlyMap<K, V> {
  return new LazyMap(make)
}

/** A class: an object with as many functions of its own costs ten times as much, and each request has one. */
class LazyMap<K, V> implements ReadonlyMap<K, V> {
  readonly #make: () => ReadonlyMap<K, V>
  #made: ReadonlyMap<K, V> | undefined

  constructor(make: () => ReadonlyMap<K, V>) {
    this.#make = make
  }

  get size(): number {
    return this.#open().size
  }

  get(key: K): V | undefined {
    return this.#open().get(key)
  }

  has(key: K): boolean {
    return this.#open().has(key)
  }

  keys(): MapIterator<K> {
    return this.#open().keys()
  }

  values(): MapIterator<V> {
    return this.#open().values()
  }

  entries(): MapIterator<[K, V]> {
    return this.#open().entries()
  }

  forEach(run: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    this.#open().forEach((value, key, map) => run(value, key, map))
  }

  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.#open()[Symbol.iterator]()
  }

  #open(): ReadonlyMap<K, V> {
    return (this.#made ??= this.#make())
  }
}
