/** A query is parsed when its request arrives, and nowhere else: two parsers may read one query in two ways. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'

const src = path.join(import.meta.dirname, '../../../src')
const files = ['server', 'protocol'].flatMap((room) =>
  readdirSync(path.join(src, room), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${room}/${name.replaceAll('\\', '/')}`),
)
const textOf = (file: string): string => readFileSync(path.join(src, file), 'utf8')

it('only the listener, and a signature that was handed none, parse a query', () => {
  const callers = files.filter((file) => /(?<!function )\bparseQuery\(/.test(textOf(file)))
  expect(callers.toSorted()).toEqual([
    'protocol/sigv4/canonical-request.ts',
    'server/http/to-http-request.ts',
  ])
})

it('only signatures take the bytes of a query apart', () => {
  const signing = /^protocol\/(query|sigv4\/(canonical-request|sign|verify-signature))\.ts$/
  const uses = files
    .filter((file) => !signing.test(file))
    .flatMap((file) => (textOf(file).match(/^.*\brawQuery\b.*$/gm) ?? []).map((use) => use.trim()))
  // It is declared, made, and asked whether it is empty.
  const harmless = [
    /^readonly rawQuery: string$/,
    /^const rawQuery = at === -1 \? '' : target\.slice\(at \+ 1\)$/,
    /^rawQuery,$/,
    /^query: parseQuery\(rawQuery\),$/,
    /rawQuery === ''/,
  ]
  expect(uses.filter((use) => !harmless.some((form) => form.test(use)))).toEqual([])
})

it('no query is read by the parser of the URL standard, which leaves out a leading question mark', () => {
  const uses = files.flatMap((file) =>
    (textOf(file).match(/new URLSearchParams\([^)\n]+\)/g) ?? []).map((use) => `${file}: ${use}`),
  )
  expect(uses.toSorted()).toEqual([
    // A header's list of tags, the embedded provider's own form, tags written as that header, and what is written for a provider and a browser.
    'protocol/tag-header.ts: new URLSearchParams(text)',
    'server/aws-login/login-pages.ts: new URLSearchParams({ state, code })',
    'server/aws-login/login-provider.ts: new URLSearchParams(isPublic ? { ...form, client_id: clientId } : form)',
    "server/aws-login/login-provider.ts: new URLSearchParams({ '': text })",
    'server/issuer/handle-login.ts: new URLSearchParams(Buffer.concat(chunks)',
    'server/s3/post/form-request.ts: new URLSearchParams(readTagging(xml)',
  ])
})
