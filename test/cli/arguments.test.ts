import { describe, expect, it } from 'vitest'
import { asksForHelp, readArguments, readDurationMs, readUrl, readWhole } from '../../src/cli/arguments.js'
import { command } from '../../src/cli/command.js'
import { didYouMean } from '../../src/cli/nearest.js'

const some = command({
  usage: [],
  about: '',
  options: { window: { type: 'string', short: 'w', about: '' }, json: { type: 'boolean', about: '' } },
  examples: [],
  maxWords: 1,
  run: async () => {},
})

describe('arguments', () => {
  it('reads options and words in any order', () => {
    expect(readArguments('some', some, ['users', '--json', '-w', '5m'])).toMatchObject({ words: ['users'], values: { json: true, window: '5m' } })
  })

  it.each([
    [['--jsno'], "Unknown option '--jsno' (did you mean 'json'?)"],
    [['--quite-other'], "Unknown option '--quite-other'"],
    [['a', 'b'], "some takes 1 at most, and here is 'b'"],
    [['--window'], "Option '-w, --window <value>' argument missing"],
    [['--json=yes'], "Option '--json' does not take an argument"],
  ])('%j is refused in one plain sentence', (args, message) => {
    expect(() => readArguments('some', some, args)).toThrow(new Error(message))
  })

  it.each([['30', 30_000], ['90s', 90_000], ['1.5m', 90_000], ['2min', 120_000], ['1500ms', 1_500]])('reads %s as a time', (text, ms) => {
    expect(readDurationMs(text, '--window', [1_000, 600_000])).toBe(ms)
  })

  it.each(['', '0', '11m', 'soon', '-5', '1h', '5 s'])('does not read %j as a time', (text) => {
    expect(() => readDurationMs(text, '--window', [1_000, 600_000])).toThrow('--window: expected a time from 1 to 600 seconds')
  })

  it('reads whole numbers in their range only', () => {
    expect(readWhole('20', '--limit', [1, 500])).toBe(20)
    for (const text of ['0', '501', '1.5', '', 'x']) expect(() => readWhole(text, '--limit', [1, 500])).toThrow('--limit: expected a whole number from 1 to 500')
  })

  it('takes an address without a scheme for http', () => {
    expect([readUrl('127.0.0.1:7117', '--url'), readUrl('https://mesh.test/', '--url')]).toEqual(['http://127.0.0.1:7117', 'https://mesh.test'])
    expect(() => readUrl('ftp://x', '--url')).toThrow('--url: expected')
  })

  it('knows a plea for help wherever it stands, but not behind --', () => {
    expect([asksForHelp(['users', '-h']), asksForHelp(['--help']), asksForHelp(['--', '--help']), asksForHelp(['users'])]).toEqual([true, true, false, false])
  })

  it('guesses only what is near', () => {
    expect([didYouMean('egdes', ['edges', 'top']), didYouMean('tpo', ['edges', 'top']), didYouMean('banana', ['edges', 'top'])]).toEqual([
      " (did you mean 'edges'?)",
      " (did you mean 'top'?)",
      '',
    ])
  })
})
