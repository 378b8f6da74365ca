import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  childText,
  childrenOf,
  escapeXml,
  parseXml,
  type XmlLimits,
  type XmlNode,
} from '../../src/protocol/xml.ts'

const limits: XmlLimits = { maxBytes: 64 * 1024, maxDepth: 16 }
const parse = (text: string): XmlNode => parseXml(text, limits)
const malformed = expect.objectContaining({ name: 'AwsError', code: 'MalformedXML', status: 400 })

function nest(depth: number, open = '<a>'): string {
  return open.repeat(depth) + '</a>'.repeat(depth)
}

describe('an XML document that is read', () => {
  it('gives names, texts and children in order, without prefixes and attributes', () => {
    const root = parse(
      '<?xml version="1.0"?><s:r xmlns:s="urn:x"><b id="1">one</b> <c/><b>two</b></s:r>',
    )
    expect(root.name).toBe('r')
    expect(root.children.map(({ name }) => name)).toEqual(['b', 'c', 'b'])
    expect(childText(root, 'b')).toBe('one')
    expect(childText(root, 'c')).toBe('')
    expect(childText(root, 'd')).toBeUndefined()
    expect(childrenOf(root, 'b').map(({ text }) => text)).toEqual(['one', 'two'])
  })

  it('keeps the spaces of a text and numbers as they are written', () => {
    expect(parse('<r> 007 \n</r>').text).toBe(' 007 \n')
  })

  it.each([
    ['the five names of XML', '&amp;&lt;&gt;&quot;&apos;', '&<>"\''],
    ['decimal and hexadecimal references', '&#65;&#x42;&#x1F600;&#10;', 'AB\u{1f600}\n'],
    ['an escaped reference, once only', '&amp;lt;&#38;lt;', '&lt;&lt;'],
  ])('resolves %s', (_what, text, resolved) => {
    expect(parse(`<r>${text}</r>`).text).toBe(resolved)
  })

  it.each(['&unknown;', '&constructor;', '&toString;', '&#x110000;', '&#0;', '&#xD800;'])(
    'leaves %s as it is written: it names no character',
    (text) => {
      expect(parse(`<r>${text}</r>`).text).toBe(text)
    },
  )

  it('takes a CDATA section to the letter', () => {
    expect(parse('<r>1 &lt; <![CDATA[<b>&amp;</b>]]> &gt; 0</r>').text).toBe('1 < <b>&amp;</b> > 0')
  })

  it('does not count what stands in comments and CDATA sections as nesting', () => {
    const tags = '<a>'.repeat(200)
    expect(parse(`<r><!--${tags}--><![CDATA[${tags}]]></r>`).text).toBe(tags)
  })
})

describe('an XML document that is refused', () => {
  it.each([
    ['a document type', '<!DOCTYPE r [<!ENTITY e "x">]><r>&e;</r>'],
    ['a document type in small letters', '<!doctype r><r/>'],
    ['an entity of its own', '<r><!ENTITY e SYSTEM "file:///etc/passwd"></r>'],
    ['nothing', ''],
    ['text alone', 'no XML'],
    ['text before the root', 'x<r/>'],
    ['two roots', '<r/><r/>'],
    ['an element that is not closed', '<r><b></r>'],
    ['an attribute twice', '<r a="1" a="2"/>'],
    ['a name that would reach the prototype', '<r><__proto__>x</__proto__></r>'],
  ])('holds %s', (_what, text) => {
    expect(() => parse(text)).toThrow(malformed)
  })

  it('is longer in bytes than the limit', () => {
    const text = `<r>${'ü'.repeat(10)}</r>`
    expect(parseXml(text, { maxBytes: 27, maxDepth: 1 }).text).toHaveLength(10)
    expect(() => parseXml(text, { maxBytes: 26, maxDepth: 1 })).toThrow(malformed)
  })

  it('is nested one level deeper than the limit', () => {
    expect(parse(nest(16)).name).toBe('a')
    expect(() => parse(nest(17))).toThrow(malformed)
  })

  it.each([
    ['plainly', (depth: number) => nest(depth)],
    ['with "/>" in an attribute', (depth: number) => nest(depth, '<a x="/>">')],
    ['with long tags', (depth: number) => nest(depth, `<a x="${'y'.repeat(1100)}">`)],
    [
      'after a comment of closing tags',
      (depth: number) => `<!--${'</a>'.repeat(depth)}-->${nest(depth)}`,
    ],
  ])('is nested 17, 101 and 5,000 levels %s', (_how, build) => {
    for (const depth of [17, 101, 5000])
      expect(() => parseXml(build(depth), { maxBytes: 2 ** 24, maxDepth: 16 })).toThrow(malformed)
  })

  it('is nested beyond what any caller asks for', () => {
    expect(() => parseXml(nest(150), { maxBytes: 2 ** 20, maxDepth: 1000 })).toThrow(malformed)
  })

  it('keeps the reason of the parser for our log and not in its message', () => {
    let thrown: unknown
    try {
      parse('<r><secret></r>')
    } catch (error) {
      thrown = error
    }
    expect(thrown).toMatchObject({ message: expect.not.stringContaining('secret') as unknown })
    expect(thrown).toHaveProperty('cause')
  })
})

describe('escaping', () => {
  it('leaves ordinary text alone', () => {
    expect(escapeXml('eyJhbGciOi.J9_-/+= \t\nä😀')).toBe('eyJhbGciOi.J9_-/+= \t\nä😀')
  })

  it('writes what markup could mistake, and a carriage return that parsers would drop', () => {
    expect(escapeXml('<a b="c" d=\'e\'>&\r')).toBe(
      '&lt;a b=&#34;c&#34; d=&#39;e&#39;&gt;&amp;&#13;',
    )
  })

  it('replaces what XML 1.0 cannot hold', () => {
    expect(escapeXml('a\u0000b\u001fc\ufffed\ud800e')).toBe('a\ufffdb\ufffdc\ufffdd\ufffde')
  })

  it('makes of any text an element that reads back the same', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const readable = text
          .toWellFormed()
          // oxlint-disable-next-line no-control-regex -- control characters are what XML forbids
          .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
        expect(parse(`<r>${escapeXml(text)}</r>`).text).toBe(readable)
      }),
    )
  })

  it('makes of markup a text and never an element', () => {
    const markup = fc.string({
      unit: fc.constantFrom('<', '>', '&', '/', '!', '[', ']', '-', 'a', ';', '#', '"', "'", '?'),
    })
    fc.assert(
      fc.property(markup, (text) => {
        const root = parse(`<r>${escapeXml(text)}</r>`)
        expect(root).toEqual({ name: 'r', text, children: [] })
      }),
    )
  })
})

describe('any text at all', () => {
  it('is a document or MalformedXML, never another error', () => {
    const soup = fc.string({
      unit: fc.constantFrom(
        '<a>',
        '</a>',
        '<a/>',
        '<!--',
        '-->',
        '<![CDATA[',
        ']]>',
        '<?',
        '?>',
        'x',
        ' ',
        '&#',
        ';',
      ),
      maxLength: 40,
    })
    fc.assert(
      fc.property(soup, (text) => {
        try {
          parse(text)
        } catch (error) {
          expect(error).toEqual(malformed)
        }
      }),
    )
  })
})
