/**
 * The first member name that an object in JSON text has twice. `JSON.parse` keeps the last of them, so that a second `StringEquals` would
 * silently take the place of the first.
 *
 * @param text JSON that has been parsed already: it is not checked a second time.
 */
export function findDuplicateMember(text: string): string | undefined {
  /** For each open bracket: the names so far; undefined in a list. */
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
