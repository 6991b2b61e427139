import type { Clock } from '../base/clock.js'
import type { Random } from '../base/random.js'
import { fields, listOf, mapOf, optionError, ratio, required, text, wholeNumber, type Reader } from '../base/validate.js'
import type { Answer, Inbound, InboundReply } from '../call/inbound.js'
import type { Layer } from '../call/layer.js'

/** Something that goes wrong on purpose. */
export interface FaultOptions {
  /** Share of the requests, 0–1, to which it happens. */
  readonly ratio: number
  /** How long the request is held up before anything else. */
  readonly delayMs?: number | undefined
  /** Answers in the application's place, with this status. */
  readonly abort?: { readonly status: number } | undefined
  /** Only to requests that are all of this. Default: to all. */
  readonly when?: { readonly header?: Readonly<Record<string, string>> | undefined; readonly peer?: string | undefined } | undefined
}

/** A fault as it happens to one request. */
export interface InjectedFault {
  readonly delayMs: number
  /** Undefined when the application answers. */
  readonly status: number | undefined
}

/** What faults need of the inbound stack. */
export interface FaultParts {
  readonly clock: Clock
  readonly random: Random
  /** Told of each fault before it happens. */
  readonly told: (fault: InjectedFault, inbound: Inbound) => void
}

const readFields = fields<FaultOptions>({
  ratio,
  delayMs: wholeNumber(1, 600_000),
  abort: fields<{ status: number }>({ status: wholeNumber(400, 599) }) as Reader<{ status: number }>,
  when: fields<NonNullable<FaultOptions['when']>>({ header: mapOf(text, text), peer: text }),
})

const readFault: Reader<FaultOptions> = (value, path) => {
  const fault = readFields(value, path)
  if (fault.delayMs === undefined && fault.abort === undefined) throw optionError(path, 'a delayMs, an abort, or both', value)
  if (fault.abort !== undefined) required(fault.abort.status, `${path}.abort.status`, 'the status of the answer')
  return { ...fault, ratio: required(fault.ratio, `${path}.ratio`, 'a number from 0 to 1') }
}

export const readFaults: Reader<readonly FaultOptions[]> = listOf(readFault)

/**
 * Lets things go wrong on purpose: of the faults that are meant for a request each happens with its own chance, the delays
 * one after the other, and the first that answers ends it.
 */
export function injectFaults(faults: readonly FaultOptions[], { clock, random, told }: FaultParts): Layer<Inbound, InboundReply> {
  return (next) => async (inbound) => {
    for (const fault of faults) {
      if (!isMeant(fault, inbound) || random() >= fault.ratio) continue
      const { delayMs = 0, abort } = fault
      told({ delayMs, status: abort?.status }, inbound)
      if (delayMs > 0) await new Promise<void>((resolve) => clock.after(delayMs, resolve))
      if (abort !== undefined) return { status: abort.status, route: undefined, aborted: false, answer: answerOf(abort.status) }
    }
    return next(inbound)
  }
}

function isMeant({ when }: FaultOptions, inbound: Inbound): boolean {
  if (when === undefined) return true
  if (when.peer !== undefined && when.peer !== inbound.peer?.service) return false
  return Object.entries(when.header ?? {}).every(([name, value]) => inbound.header(name.toLowerCase()) === value)
}

function answerOf(status: number): Answer {
  return {
    status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
    body: JSON.stringify({ type: 'about:blank', title: 'Injected fault', status, detail: 'This failure was made on purpose.' }),
  }
}
