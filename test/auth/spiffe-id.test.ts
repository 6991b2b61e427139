import { expect, it } from 'vitest'
import { parseSpiffeId } from '../../src/auth/spiffe-id.js'
import { describeVectors, readVectors } from '../support/vectors.js'

interface Case {
  readonly in: string
  readonly valid: boolean
  readonly trustDomain?: string
  readonly path?: string
}

it('takes an ID apart, and none of more than 2048 characters or with a line break at its end', () => {
  expect(parseSpiffeId('spiffe://example.org/ns/shop')).toEqual({ trustDomain: 'example.org', path: '/ns/shop' })
  expect(parseSpiffeId(`spiffe://example.org/${'a'.repeat(2048)}`)).toBeUndefined()
  expect(parseSpiffeId('spiffe://example.org/a\n')).toBeUndefined()
})

describeVectors('SPIFFE IDs', () => {
  it('J18 agrees on all 537 vectors: 108 are good and 429 are not', () => {
    const { cases } = JSON.parse(readVectors('spiffe-id/spiffeid-cases.json')) as { cases: Case[] }
    expect([true, false].map((valid) => cases.filter((one) => one.valid === valid).length)).toEqual([108, 429])
    for (const { in: text, valid, trustDomain, path } of cases) {
      expect(parseSpiffeId(text), text).toEqual(valid ? { trustDomain, path } : undefined)
    }
  })
})
