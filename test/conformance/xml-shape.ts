/** The shape of an XML document: which elements it has and where, without their values. */
import { XMLParser } from 'fast-xml-parser'

/** Returns the element paths below the root, and the namespace of the root, sorted and unique: the parts that a client's decoder depends on. */
export function shapeOf(xml: string): string[] {
  const parser = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '@' })
  const paths = new Set<string>()
  collect(parser.parse(xml), '', paths)
  return [...paths].filter((path) => !path.startsWith('/?xml')).toSorted()
}

function collect(node: unknown, path: string, paths: Set<string>): void {
  if (Array.isArray(node)) {
    for (const item of node) collect(item, path, paths)
    return
  }
  if (typeof node !== 'object' || node === null) return
  for (const [name, child] of Object.entries(node)) {
    if (name === '#text') continue
    const at = `${path}/${name}`
    paths.add(name === '@xmlns' ? `${at}=${String(child)}` : at)
    collect(child, at, paths)
  }
}
