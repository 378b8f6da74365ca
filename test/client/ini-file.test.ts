import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inConfig, inCredentials } from '../../src/client/aws-files.ts'
import { editSection, readSection } from '../../src/client/ini-file.ts'

const edit = (text: string, profile = 'ci', pairs: [string, string][] = [['key', 'new']]): string =>
  editSection({ text, name: 'f' }, inCredentials(profile), pairs).text

describe('INI section', () => {
  it.each([
    ['in an empty file', '', '[ci]\nkey = new\n'],
    ['after others', '[a]\nx = 1\n', '[a]\nx = 1\n\n[ci]\nkey = new\n'],
    ['after an empty line', '[a]\nx = 1\n\n', '[a]\nx = 1\n\n[ci]\nkey = new\n'],
    ['after an open last line', '[a]\nx = 1', '[a]\nx = 1\n\n[ci]\nkey = new\n'],
    ['in a Windows file', '[a]\r\nx = 1\r\n', '[a]\r\nx = 1\r\n\r\n[ci]\r\nkey = new\r\n'],
    ['after comments only', '# mine\n', '# mine\n\n[ci]\nkey = new\n'],
  ])('a new section is added at the end %s', (_where, before, after) => {
    expect(edit(before)).toBe(after)
  })

  it.each([
    ['is changed', '[ci]\nkey = old\n', '[ci]\nkey = new\n'],
    ['keeps its spelling', '[ci]  # x\nKEY=old\n', '[ci]  # x\nKEY=new\n'],
    ['keeps its line ending', '[ci]\r\nkey: old  \r\n', '[ci]\r\nkey: new\r\n'],
    ['gets a first value', '[ci]\nkey =\n', '[ci]\nkey =new\n'],
    ['has an open last line', '[ci]\nkey = old', '[ci]\nkey = new'],
    [
      'belongs to another section',
      '[a]\nkey = 1\n[ci]\nkey = 2\n',
      '[a]\nkey = 1\n[ci]\nkey = new\n',
    ],
    [
      'is added after the last key, before what belongs to the next section',
      '[ci]\na = 1\n# about a\nb = 2\n\n# about z\n[z]\n',
      '[ci]\na = 1\n# about a\nb = 2\nkey = new\n\n# about z\n[z]\n',
    ],
    ['is added to a bare header', '[ci]\n[z]\n', '[ci]\nkey = new\n[z]\n'],
    ['is added after an open line', '[ci]', '[ci]\nkey = new\n'],
    [
      'is nested',
      '[ci]\ns3 =\n  key = nested\n  b = 1\n',
      '[ci]\ns3 =\n  key = nested\n  b = 1\nkey = new\n',
    ],
  ])('editSection sets a key that %s', (_how, before, after) => {
    expect(edit(before)).toBe(after)
  })

  it('a section that already has the value is unchanged', () => {
    const text = '[ci]\nkey=new\n'
    expect(editSection({ text, name: 'f' }, inCredentials('ci'), [['key', 'new']])).toEqual({
      text,
      changes: [],
    })
  })

  it('an edit keeps every other byte of the file, UTF-8 or not', () => {
    const text = Buffer.concat([
      Buffer.from('# ü €\n[a]\nx = '),
      Buffer.from([0xff, 0xfe, 0x80]),
      Buffer.from('\n[profil ü]\nkey = ä\n'),
    ]).toString('latin1')
    const after = edit(text, 'profil ü', [['key', 'ö']])
    const expected = text.replace(/key = .*/, `key = ${Buffer.from('ö').toString('latin1')}`)
    expect(after).toBe(expected)
  })

  it('a value reads back as it was set, for any contents of the file', () => {
    const word = fc.stringMatching(/^[a-z_]{1,8}$/)
    const line = fc.oneof(
      fc.constantFrom('', '# c', '  ; c', '[x]', '[x.y]', '  nested = 1'),
      fc.tuple(word, fc.stringMatching(/^[ -~]{0,12}$/)).map(([key, value]) => `${key} = ${value}`),
    )
    const file = fc.tuple(fc.array(line, { maxLength: 12 }), fc.constantFrom('\n', '\r\n'))
    fc.assert(
      fc.property(file, word, ([lines, newline], value) => {
        const others = lines.filter((written) => !written.startsWith('key '))
        const text = ['[ci]', ...others].join(newline)
        const before = { text, name: 'f' }
        let after: string
        try {
          after = editSection(before, inCredentials('ci'), [['key', value]]).text
        } catch {
          return // Twice the same section or a nested line without its key: refused.
        }
        expect(readSection({ text: after, name: 'f' }, inCredentials('ci')).get('key')).toBe(value)
        for (const kept of others) expect(after).toContain(kept)
      }),
    )
  })
})

describe('invalid INI file', () => {
  it.each([
    ['of another format', '{"a": 1}\n', 'line 1 of f is no section'],
    ['with a key before any section', 'hunter2 = 1\n', 'line 1 of f is no section'],
    ['with a broken header', '[a\n', 'line 1 of f is no section'],
    ['with a line without a value', '[a]\nx = 1\nhunter2\n', 'line 3 of f is no section'],
    ['that begins with a continuation', '[a]\n  hunter2 = 1\n', 'line 2 of f is no section'],
    ['in UTF-16', '\xff\xfe[\0a\0]\0\n\0', 'line 1 of f is no section'],
    ['with the line endings of old Macs', '[a]\rx = 1\r', 'line 1 of f is no section'],
    ['with a repeated section', '[ci]\n[b]\n[ci]\n', 'line 3 of f begins a section that was there'],
    ['with a repeated key', '[ci]\nkey = 1\nKey = 2\n', 'line 3 of f has key a second time'],
    ['that continues the key', '[ci]\nkey = 1\n  hunter2\n', 'line 3 of f goes on with key'],
  ])('a file %s is refused by line number, without its text', (_what, text, message) => {
    expect(() => edit(text)).toThrow(
      expect.objectContaining({ code: 'ERR_DATA', message: expect.stringContaining(message) }),
    )
    expect(() => edit(text)).not.toThrow('hunter2')
  })

  it('a value with a line break is refused', () => {
    expect(() => edit('', 'ci', [['key', 'two\nlines']])).toThrow('the value of key cannot be')
  })
})

describe('profile in the config file', () => {
  it.each([
    ['[default]', 'default', true],
    ['[profile default]', 'default', true],
    ['[profile ci]', 'ci', true],
    ['[profile   ci]', 'ci', true],
    ['[profile "my minio"]', 'my minio', true],
    [`[profile 'my minio']`, 'my minio', true],
    ['[ci]', 'ci', false],
    ['[sso-session ci]', 'ci', false],
    ['[profile cia]', 'ci', false],
  ])('the header %s selects the profile %s: %j', (header, profile, isFound) => {
    const found = readSection({ text: `${header}\nx = 1\n`, name: 'f' }, inConfig(profile))
    expect(found.get('x')).toBe(isFound ? '1' : undefined)
  })

  it.each([
    ['default', '[default]'],
    ['ci', '[profile ci]'],
    ['my minio', '[profile "my minio"]'],
  ])('the new profile %s gets the header %s', (profile, header) => {
    const { text } = editSection({ text: '', name: 'f' }, inConfig(profile), [['a', 'b']])
    expect(text).toBe(`${header}\na = b\n`)
  })
})
