/** The door to uqr: an address for a telephone's camera. */
import { renderUnicodeCompact } from 'uqr'

/** Lines of half blocks for a terminal; empty when the text is longer than a terminal shows well. */
export function renderQrCode(text: string): string {
  return text.length > 300 ? '' : `${renderUnicodeCompact(text)}\n`
}
