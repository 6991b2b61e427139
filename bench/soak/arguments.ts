import { parseArgs } from 'node:util'

export interface Arguments {
  readonly minutes: number
  readonly perSec: number
  readonly seed: number
  readonly faults: boolean
  /** MiB of old space that caller and instances have; undefined: as much as Node gives them. */
  readonly oldSpaceMiB: number | undefined
  readonly json: boolean
}

export const usage = `npm run soak -- [options]

  --minutes N       how long it lasts (default 120)
  --rate N          calls a second (default 500)
  --seed N          seed of the faults (default 1)
  --no-faults       nothing goes wrong
  --old-space N     MiB of old space for caller and instances, as --max-old-space-size
  --json            one line with everything, at the end
`

export function readArguments(argv: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      minutes: { type: 'string', default: '120' },
      rate: { type: 'string', default: '500' },
      seed: { type: 'string', default: '1' },
      'no-faults': { type: 'boolean', default: false },
      'old-space': { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  })
  const oldSpace = values['old-space']
  return {
    minutes: positive('minutes', values.minutes),
    perSec: positive('rate', values.rate),
    seed: positive('seed', values.seed),
    faults: !values['no-faults'],
    oldSpaceMiB: oldSpace === undefined ? undefined : positive('old-space', oldSpace),
    json: values.json,
  }
}

function positive(option: string, value: string): number {
  const number = Number(value)
  if (!Number.isFinite(number) || number <= 0) throw new Error(`--${option}: expected a number above 0, got ${value}`)
  return number
}
