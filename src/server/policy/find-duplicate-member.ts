/**
 * Returns the first member name that one object in a JSON text has twice; undefined when there is none. `JSON.parse` keeps only the last of
 * two such members, so a second `StringEquals` would silently replace the first.
 *
 * @param text Valid JSON: the caller has parsed it before.
 */
export function findDuplicateMember(text: string): string | undefined {
  /** The open objects and lists, outermost first: an object's member names so far, or undefined for a list. */
  const open: (Set<string> | undefined)[] = []
  let isName = false
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],]/g)) {
    const names = open.at(-1)
    if (token === '{') open.push(new Set())
    else if (token === '[') open.push(undefined)
    else if (token === '}' || token === ']') open.pop()
    else if (isName && names !== undefined && token !== ',') {
      const name = JSON.parse(token) as string
      if (names.has(name)) return name
      names.add(name)
    }
    isName = token === '{' || token === ','
  }
  return undefined
}
