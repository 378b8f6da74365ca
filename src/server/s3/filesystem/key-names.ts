/**
 * Maps keys to names on disk. A key is a plain file under its bucket's folder if each segment can be a file name. All
 * others (`a//b`, `a/`, `..`, control characters, names over 255 bytes, and `a` while `a/b` exists) go to a second tree whose
 * names carry their kind, so that no two keys collide there:
 *
 *   `name!o` an object · `name!d` a folder · `piece!c` a folder holding the rest of a long name
 *
 * Every byte of a name outside `[a-z0-9_.-]` is written `%XX`, which is safe on case-insensitive file systems too.
 */

/** Longest file name that ext4, xfs, APFS and NTFS all support, in bytes. */
const maxNameBytes = 255
const pieceChars = 200

/** Returns whether the text can be a file or folder name unchanged. */
export function isPlainName(name: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what we look for
  if (name === '' || name === '.' || name === '..' || /[\0-\x1f\x7f\\/]/.test(name)) return false
  return name.length * 3 <= maxNameBytes || Buffer.byteLength(name) <= maxNameBytes
}

/** Returns whether the key can be a plain file: each segment is a plain name. */
export function isPlainKey(key: string): boolean {
  return key.split('/').every((segment) => isPlainName(segment))
}

/** Returns the path of an object in the encoded tree, below the tree's root. */
export function encodeKey(key: string): string {
  const segments = key.split('/')
  const last = segments.pop() ?? ''
  return [...segments.flatMap((name) => encodeName(name, 'd')), ...encodeName(last, 'o')].join('/')
}

/** Returns the path of a folder (`a/b/`, or empty for the root) in the encoded tree. */
export function encodeFolder(folderKey: string): string {
  const names = folderKey === '' ? [] : folderKey.slice(0, -1).split('/')
  return names.flatMap((name) => encodeName(name, 'd')).join('/')
}

/** Decodes a name of the encoded tree; undefined for a name that the store would not have written. */
export function decodeName(
  name: string,
): { readonly text: string; readonly kind: 'object' | 'folder' | 'piece' } | undefined {
  const match = /^((?:[a-z0-9_.-]|%[0-9A-F]{2})*)!([odc])$/.exec(name)
  if (!match) return undefined
  const kind = match[2] === 'o' ? 'object' : match[2] === 'd' ? 'folder' : 'piece'
  return { text: match[1] ?? '', kind }
}

/** Decodes the joined texts of a name's pieces; undefined if they are not UTF-8. */
export function decodeText(text: string): string | undefined {
  const bytes = Buffer.from(
    text.replaceAll(/%([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
    'latin1',
  )
  const decoded = bytes.toString('utf8')
  return Buffer.from(decoded).equals(bytes) ? decoded : undefined
}

function encodeName(name: string, kind: 'd' | 'o'): string[] {
  const text = Buffer.from(name)
    .toString('latin1')
    .replaceAll(/[^a-z0-9_.-]/g, (char) => {
      return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
    })
  const pieces: string[] = []
  let rest = text
  while (rest.length > pieceChars) {
    // Do not split within `%XX`.
    const percent = rest.lastIndexOf('%', pieceChars - 1)
    const cut = percent > pieceChars - 3 ? percent : pieceChars
    pieces.push(`${rest.slice(0, cut)}!c`)
    rest = rest.slice(cut)
  }
  return [...pieces, `${rest}!${kind}`]
}

/** Compares texts by their UTF-8 bytes, the order in which S3 lists keys. JavaScript's `<` differs above U+D7FF. */
export function compareKeys(left: string, right: string): number {
  const length = Math.min(left.length, right.length)
  for (let index = 0; index < length; index += 1) {
    const a = left.charCodeAt(index)
    const b = right.charCodeAt(index)
    if (a !== b) return rankUnit(a) - rankUnit(b)
  }
  return left.length - right.length
}

/** Ranks surrogates above the rest, because they encode code points above the basic plane. */
function rankUnit(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}
