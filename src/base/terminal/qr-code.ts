/** The adapter of uqr, which draws a URL for a phone's camera. */
import { renderUnicodeCompact } from 'uqr'

/** Returns lines of half blocks for a terminal; empty when the text is too long for a readable code. */
export function renderQrCode(text: string): string {
  return text.length > 300 ? '' : `${renderUnicodeCompact(text)}\n`
}
