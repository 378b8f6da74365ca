/** `npm pack` and `npm publish`, from a clean clone too: installs what the build needs, and builds anew. */
import { install } from './prepare.mjs'

install()
await import('./build.mjs')
