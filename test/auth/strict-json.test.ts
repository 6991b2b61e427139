import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseStrictJson } from '../../src/auth/strict-json.js'

const bytes = (text: string): Buffer => Buffer.from(text, 'utf8')

describe('strict JSON', () => {
  it('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value)
        if (text.includes('__proto__')) return
        expect(parseStrictJson(bytes(text))).toEqual(JSON.parse(text))
      }),
    )
  })

  it('finds a repeated member wherever it stands and however it is spelt', () => {
    fc.assert(
      fc.property(fc.string(), fc.jsonValue(), fc.array(fc.boolean(), { maxLength: 5 }), (name, value, nesting) => {
        const member = `${JSON.stringify(name)}:${JSON.stringify(value)}`
        const nested = nesting.reduce(
          (inner, list) => (list ? `[0,${inner}]` : `{"outer":${inner}}`),
          `{${member},"another member":{}, ${inEscapes(name)}:1}`,
        )
        expect(() => parseStrictJson(bytes(nested))).toThrow(SyntaxError)
      }),
    )
  })

  it('takes equal names in different objects, and names that only occur within strings', () => {
    const text = '{"a":{"a":1,"b":"\\"a\\":1"},"b":[{"a":1},{"a":2}],"c":"{\\"c\\":1,\\"c\\":2}"}'
    expect(parseStrictJson(bytes(text))).toEqual(JSON.parse(text))
  })

  it.each<[string, Buffer]>([
    ['J09 a byte order mark', bytes('\ufeff{}')],
    ['J09 UTF-16', Buffer.from('{"a":1}', 'utf16le')],
    ['bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['Z17 a member __proto__', bytes('{"__proto__":{"admin":true}}')],
    ['Z17 a member __proto__ in escapes', bytes('{"\\u005f_proto__":1}')],
    ['nothing', bytes('')],
    ['two values', bytes('{}{}')],
  ])('refuses %s', (_, input) => {
    expect(() => parseStrictJson(input)).toThrow(SyntaxError)
  })
})

/** A JSON string whose every unit is an escape. */
function inEscapes(text: string): string {
  return `"${text.split('').map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}"`
}
