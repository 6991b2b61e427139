import type { Command, Options } from './command.js'
import type { CommandEntry } from './commands.js'

/** What `sidecarless --help` prints. */
export function overview(commands: readonly CommandEntry[]): string {
  const lines = commands.map(({ name, summary }) => [`sidecarless ${name}`, summary] as const)
  return `sidecarless: a service mesh without the sidecar

Usage
${twoColumns([...lines, ['sidecarless --version', 'show the version'], ['sidecarless <command> --help', 'show what a command does, with examples']])}

The control plane of dev is for one machine: it listens on loopback only and keeps everything in memory. The other
commands ask it, at http://127.0.0.1:7117 unless --url, MESH_CONTROL_PLANE or CONSUL_HTTP_ADDR says otherwise. Some ask
the admin listener of a single process instead, with --admin. They print tables for people and, with --json, documents
for programs.

Examples
${twoColumns([
  ['sidecarless dev', 'in one terminal'],
  ['sidecarless top', 'in another, while your services run'],
  ['sidecarless traces --failed', 'what went wrong lately'],
])}
`
}

/** What `sidecarless <command> --help` prints. */
export function helpOf({ usage, about, options, examples }: Command): string {
  return `Usage
${usage.map((line) => `  sidecarless ${line}`).join('\n')}

${about.split('\n\n').map((paragraph) => wrapped(paragraph.replaceAll('\n', ' '), WIDTH).join('\n')).join('\n\n')}

Options
${twoColumns([...optionLines(options), ['-h, --help', 'show this']])}

Examples
${examples.map(([line, purpose]) => `  # ${purpose}\n  ${line.includes('sidecarless') ? line : `sidecarless ${line}`}`).join('\n')}

Ends with 0 when all went well, with 1 when it failed and says why, with 2 when the command line was not understood.
`
}

function optionLines(options: Options): (readonly [string, string])[] {
  return Object.entries(options).map(([name, { short, value, about }]) => {
    const dashes = short === undefined ? `    --${name}` : `-${short}, --${name}`
    return [value === undefined ? dashes : `${dashes} ${value}`, about]
  })
}

const WIDTH = 110

/** Words on the left, each with its meaning on the right, wrapped. */
function twoColumns(lines: readonly (readonly [string, string])[]): string {
  const left = Math.max(...lines.map(([word]) => word.length))
  const indent = ' '.repeat(left + 4)
  return lines.map(([word, meaning]) => `  ${word.padEnd(left)}  ${wrapped(meaning, WIDTH - indent.length).join(`\n${indent}`)}`).join('\n')
}

function wrapped(text: string, width: number): string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!
    if (line !== '' && line.length + word.length >= width) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines
}
