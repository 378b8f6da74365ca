import { XMLValidator } from 'fast-xml-parser'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseAnswerXml } from '../../src/protocol/parse-answer-xml.ts'
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

describe('XML parser', () => {
  it('the parser returns names, texts and children in order, without prefixes and attributes', () => {
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

  it('the parser keeps spaces, and numbers as they are written', () => {
    expect(parse('<r> 007 \n</r>').text).toBe(' 007 \n')
  })

  it.each([
    ['the five names of XML', '&amp;&lt;&gt;&quot;&apos;', '&<>"\''],
    ['decimal and hexadecimal references', '&#65;&#x42;&#x1F600;&#10;', 'AB\u{1f600}\n'],
    ['an escaped reference, once only', '&amp;lt;&#38;lt;', '&lt;&lt;'],
  ])('the parser resolves %s', (_what, text, resolved) => {
    expect(parse(`<r>${text}</r>`).text).toBe(resolved)
  })

  it.each(['&unknown;', '&constructor;', '&toString;', '&#x110000;', '&#0;', '&#xD800;'])(
    'an answer keeps %s unresolved, since it is not a character',
    (text) => {
      expect(parseAnswerXml(`<r>${text}</r>`, limits).text).toBe(text)
    },
  )

  it('the parser takes a CDATA section literally', () => {
    expect(parse('<r>1 &lt; <![CDATA[<b>&amp;</b>]]> &gt; 0</r>').text).toBe('1 < <b>&amp;</b> > 0')
  })

  it('the parser ignores tags in comments and CDATA sections', () => {
    const tags = '<a>'.repeat(200)
    expect(parse(`<r><!--${tags}--><![CDATA[${tags}]]></r>`).text).toBe(tags)
  })
})

describe('refused XML document', () => {
  it.each([
    ['a document type', '<!DOCTYPE r [<!ENTITY e "x">]><r>&e;</r>'],
    ['a document type in lower case', '<!doctype r><r/>'],
    ['an entity declaration', '<r><!ENTITY e SYSTEM "file:///etc/passwd"></r>'],
    ['no text', ''],
    ['only text', 'no XML'],
    ['text before the root', 'x<r/>'],
    ['two roots', '<r/><r/>'],
    ['an element that is not closed', '<r><b></r>'],
    ['an attribute twice', '<r a="1" a="2"/>'],
    ['a name of the prototype', '<r><__proto__>x</__proto__></r>'],
  ])('an XML document with %s is refused', (_what, text) => {
    expect(() => parse(text)).toThrow(malformed)
  })

  it('an XML document longer in bytes than the limit is refused', () => {
    const text = `<r>${'ü'.repeat(10)}</r>`
    expect(parseXml(text, { maxBytes: 27, maxDepth: 1 }).text).toHaveLength(10)
    expect(() => parseXml(text, { maxBytes: 26, maxDepth: 1 })).toThrow(malformed)
  })

  it('an XML document nested one level deeper than the limit is refused', () => {
    expect(parse(nest(16)).name).toBe('a')
    expect(() => parse(nest(17))).toThrow(malformed)
  })

  it.each([
    ['with plain tags', (depth: number) => nest(depth)],
    ['with "/>" in an attribute', (depth: number) => nest(depth, '<a x="/>">')],
    ['with long tags', (depth: number) => nest(depth, `<a x="${'y'.repeat(1100)}">`)],
    [
      'after a comment of closing tags',
      (depth: number) => `<!--${'</a>'.repeat(depth)}-->${nest(depth)}`,
    ],
  ])('an XML document nested 17, 101 and 5,000 levels %s is refused', (_how, build) => {
    for (const depth of [17, 101, 5000])
      expect(() => parseXml(build(depth), { maxBytes: 2 ** 24, maxDepth: 16 })).toThrow(malformed)
  })

  it('an XML document nested deeper than every limit is refused', () => {
    expect(() => parseXml(nest(150), { maxBytes: 2 ** 20, maxDepth: 1000 })).toThrow(malformed)
  })

  it('the reason of a refusal is in the cause of the error, not in its message', () => {
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

describe('escapeXml()', () => {
  it('escapeXml() keeps ordinary text', () => {
    expect(escapeXml('eyJhbGciOi.J9_-/+= \t\nä😀')).toBe('eyJhbGciOi.J9_-/+= \t\nä😀')
  })

  it('escapeXml() escapes markup, and the carriage return that parsers would drop', () => {
    expect(escapeXml('<a b="c" d=\'e\'>&\r')).toBe(
      '&lt;a b=&#34;c&#34; d=&#39;e&#39;&gt;&amp;&#13;',
    )
  })

  it('escapeXml() replaces characters that XML 1.0 cannot hold', () => {
    expect(escapeXml('a\u0000b\u001fc\ufffed\ud800e')).toBe('a\ufffdb\ufffdc\ufffdd\ufffde')
  })

  it('escapeXml() turns any text into element content that reads back the same', () => {
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

  it('escapeXml() never lets markup become an element', () => {
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

describe('request document', () => {
  it.each([
    ['&#1;'],
    ['&#x1;'],
    ['&#0;'],
    ['&#00;'],
    ['&#x1F;'],
    ['&#xFFFE;'],
    ['&#65535;'],
    ['&#xD800;'],
    ['&#xDFFF;'],
    ['&#x110000;'],
    ['&#xFFFFFFFF;'],
    ['&#999999999999;'],
    ['&#;'],
    ['&#x;'],
    ['&#xG;'],
    ['&foo;'],
    ['&nbsp;'],
    ['&constructor;'],
    ['&AMP;'],
    ['&amp'],
    ['&'],
    ['& '],
    ['a&b'],
  ])('a request with the reference %s is refused, in a text and in an attribute', (reference) => {
    expect(() => parse(`<r>${reference}</r>`)).toThrow(malformed)
    expect(() => parse(`<r a="${reference}"/>`)).toThrow(malformed)
  })

  it.each([
    '\u0000',
    '\u0001',
    '\u0008',
    '\u000b',
    '\u001f',
    '\ufffe',
    '\uffff',
    '\ud800',
    '\udc00x',
  ])('a request with the character %j is refused in every position', (character) => {
    for (const text of [
      `<r>${character}</r>`,
      `<r><![CDATA[${character}]]></r>`,
      `<r a="${character}"/>`,
      `<r><!--${character}--></r>`,
    ])
      expect(() => parse(text)).toThrow(malformed)
    expect(parseAnswerXml(`<r>${character}</r>`, limits).text).toBe(character)
  })

  it('a request may contain every character of XML 1.0, and references to each', () => {
    const kept = '\t\n \u0085\ud7ff\ue000\ufffd\u{10000}\u{10ffff}'
    expect(parse(`<r>${kept}</r>`).text).toBe(kept)
    const codes = [...`${kept}\r`].map((character) => `&#${character.codePointAt(0)};`)
    expect(parse(`<r>${codes.join('')}</r>`).text).toBe(`${kept}\r`)
    expect(parse('<r><![CDATA[&foo; &]]></r>').text).toBe('&foo; &')
  })
})

describe('limits of an XML document', () => {
  const parseWithin = (text: string, own: Partial<XmlLimits>): XmlNode =>
    parseXml(text, { maxBytes: 2 ** 24, maxDepth: 8, ...own })

  it.each([
    ['elements', '<a/>'],
    ['elements with attributes', '<a x="1" y="2"/>'],
    ['elements with an end', '<a></a>'],
    ['comments', '<!---->'],
    ['CDATA sections', '<![CDATA[]]>'],
    ['processing instructions', '<?a?>'],
  ])('the limit of elements counts %s', (_what, one) => {
    expect(parseWithin(`<r>${one.repeat(9)}</r>`, { maxElements: 10 }).name).toBe('r')
    const many = `<r>${one.repeat(10)}</r>`
    expect(() => parseWithin(many, { maxElements: 10 })).toThrow(
      'the XML document was refused: it has more than 10 elements',
    )
  })

  it.each(['&amp;', '&#65;'])('the limit counts the reference %s', (one) => {
    const half = `<r>${one.repeat(5)}<a b="${one.repeat(5)}"/></r>`
    expect(parseWithin(half, { maxReferences: 10 }).name).toBe('r')
    expect(() => parseWithin(half, { maxReferences: 9 })).toThrow(
      'the XML document was refused: it has more than 9 character references',
    )
  })

  it('the parser stops at a limit without reading the rest', () => {
    expect(() => parseWithin(`<r>${'<a/>'.repeat(10)}<!DOCTYPE`, { maxElements: 10 })).toThrow(
      'more than 10 elements',
    )
  })

  it('the parser limits the attributes of an element', () => {
    const attributes = (count: number): string =>
      Array.from({ length: count }, (_, at) => ` a${at}=""`).join('')
    expect(parse(`<r${attributes(64)}/>`).name).toBe('r')
    expect(() => parse(`<r${attributes(65)}/>`)).toThrow('an element has more than 64 attributes')
  })
})

describe('answer of another server', () => {
  it.each([
    ['is too long', `<r>${'x'.repeat(70_000)}</r>`],
    ['is too deep', `${'<a>'.repeat(40)}${'</a>'.repeat(40)}`],
    ['has two roots', '<a/><b/>'],
    ['declares a document type', '<!DOCTYPE r><r/>'],
    ['is not closed', '<r><a></r>'],
  ])('an answer that %s is refused', (_what, text) => {
    expect(() => parseAnswerXml(text, { maxBytes: 65_536, maxDepth: 16 })).toThrow(malformed)
  })

  it('an answer with too many tags is refused before parsing', () => {
    const text = `<r>${'<a/>'.repeat(131_072)}</r>`
    expect(() => parseAnswerXml(text, { maxBytes: 2 ** 24, maxDepth: 8 })).toThrow(
      'it has more than 131072 tags',
    )
  })
})

describe('structured document', () => {
  const nameOf = fc.constantFrom('a', 'Key', 'é', 'x-y.z', '_')
  const textOf = fc.string({ unit: fc.constantFrom('x', '<', '&', '"', ' ', ']]>', '😀', '\n') })
  const nodeOf = fc.memo((depth): fc.Arbitrary<XmlNode> => {
    const children = depth === 1 ? fc.constant([]) : fc.array(nodeOf(), { maxLength: 3 })
    return fc.record({ name: nameOf, text: textOf, children })
  })
  /** Renders the document in one of several equivalent spellings. */
  const render = ({ name, text, children }: XmlNode, spelling: number): string => {
    const tag = spelling % 2 === 0 ? name : `p:${name}`
    const attributes = ['', ' a="1"', " a='>' b = \"'/>\"\n"][spelling % 3] ?? ''
    const literal = `<![CDATA[${text.replaceAll(']]>', ']]]]><![CDATA[>')}]]>`
    const content = spelling % 5 === 0 ? literal : escapeXml(text)
    const inner = children
      .map((child, at) => render(child, spelling + at + 1))
      .join('<!-- <x> & -->')
    if (content === '' && inner === '') return `<${tag}${attributes}/>`
    return `<${tag}${attributes}>${content}${inner}</${tag} >`
  }

  it('a document reads back the same in every spelling', () => {
    fc.assert(
      fc.property(nodeOf(4), fc.nat(30), (tree, spelling) => {
        const text = `<?xml version="1.0"?>\n${render(tree, spelling)}\n`
        const wide = { maxBytes: 2 ** 20, maxDepth: 100 }
        expect(parseXml(text, wide)).toEqual(tree)
        expect(parseAnswerXml(text, wide)).toEqual(tree)
      }),
    )
  })
})

describe('arbitrary text', () => {
  const soupOf = (...more: string[]): fc.Arbitrary<string> =>
    fc
      .array(fc.constantFrom('<a>', '</a>', '<a/>', '<b x="1">', '</b>', 'x', ' ', ...more), {
        maxLength: 20,
      })
      .map((parts) => parts.join(''))

  it('the parser refuses exactly what another parser finds malformed, and finds every element', () => {
    const countOf = ({ children }: XmlNode): number =>
      children.reduce((sum, child) => sum + countOf(child), 1)
    const soup = soupOf('<!--x-->', '<![CDATA[<a>]]>', "<c y='>'/>", '\n')
    fc.assert(
      fc.property(soup, (inner) => {
        const text = `<r>${inner}</r>`
        if (XMLValidator.validate(text) !== true) {
          expect(() => parse(text)).toThrow(malformed)
          return
        }
        const markup = text.replaceAll(/<!\[CDATA\[.*?\]\]>|<!--.*?-->/g, '')
        expect(countOf(parse(text))).toBe((markup.match(/<[a-z]/g) ?? []).length)
      }),
      { numRuns: 2000 },
    )
  })

  it('the parser returns a document or MalformedXML, never another error', () => {
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
