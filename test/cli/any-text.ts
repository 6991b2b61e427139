import fc from 'fast-check'

/** Text as it may come in a span: letters, Chinese, Korean, emoji, marks, and what should not be there at all. */
export const anyText = fc.string({
  unit: fc.oneof(
    fc.constantFrom('a', 'users', ' ', '订', '단', 'é', 'e\u0301', '👍', '👨‍👩‍👧', '🇩🇪', '❤️', 'ﬁ', '\u200d', '\u0301'),
    fc.constantFrom('\x1b[31m', '\x07', '\r', '\n', '\t', '\u202e', '\u0000', '\u2028', '\ud800', '\u009b'),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 3 }),
  ),
  maxLength: 20,
})
