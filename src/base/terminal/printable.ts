/**
 * Returns the text of a server or a token for a terminal: one line, at most `maxLength` characters, without the control characters that a
 * terminal would obey (C0, DEL, and C1 with its one-character CSI).
 */
export function toPrintable(text: string, maxLength: number): string {
  return text
    .replaceAll(/[^\u0020-\u007e\u00a0-\uffff]/g, ' ')
    .slice(0, maxLength)
    .trim()
}
