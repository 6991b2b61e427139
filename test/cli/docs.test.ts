import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { commands } from '../../src/cli/commands.js'

const page = readFileSync('docs/cli.md', 'utf8')

/** The part of the page about one command. */
function sectionOf(name: string): string {
  return page.split(/^## /m).find((section) => section.startsWith(`\`sidecarless ${name}\``)) ?? ''
}

it('documents every command with its summary, and no other', () => {
  const documented = [...page.matchAll(/^## `sidecarless (\w+)`: (.*)$/gm)].map(([, name, summary]) => ({ name, summary }))
  expect(documented).toEqual(commands.map(({ name, summary }) => ({ name, summary })))
})

it.each(commands)('documents every option of $name, and no other', async ({ name, load }) => {
  const { options } = await load()
  const documented = [...sectionOf(name).matchAll(/^\| `(?:-\w, )?--([\w-]+)[^`]*` \|/gm)].map(([, option]) => option)
  expect(documented.sort()).toEqual(Object.keys(options).sort())
})
