/**
 * Whether `text` matches `pattern`, where `*` stands for any run of characters and `?` for one. Linear in memory and at worst
 * pattern × text in time: a policy cannot make the server think for long.
 */
export function matchesWildcard(pattern: string, text: string): boolean {
  let p = 0
  let t = 0
  let starAt = -1
  let resumeAt = 0
  while (t < text.length) {
    if (p < pattern.length && pattern[p] === '*') {
      starAt = p
      resumeAt = t
      p += 1
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[t])) {
      p += 1
      t += 1
    } else if (starAt !== -1) {
      resumeAt += 1
      p = starAt + 1
      t = resumeAt
    } else {
      return false
    }
  }
  while (pattern[p] === '*') p += 1
  return p === pattern.length
}
