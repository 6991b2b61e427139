import { callable, fields, flag, host, numberFrom, oneOf, optionError, port, ratio, wholeNumber, type Reader } from '../base/validate.js'
import type { Clock } from '../base/clock.js'
import type { Random } from '../base/random.js'

/** What can go wrong on the way of the bytes in one direction. */
export interface FlowFaults {
  /** How long each byte is under way. Default 0 ms. */
  readonly latencyMs?: number | undefined
  /** Up to so much longer, drawn anew for each chunk; the order of the bytes stays. Default 0 ms. */
  readonly jitterMs?: number | undefined
  /** No more than so many bytes a second. Default: as many as there are. */
  readonly bytesPerSec?: number | undefined
  /** Share of the chunks, 0–1, that come late as after a lost packet, and all that follow them as well. Default 0. */
  readonly stallRatio?: number | undefined
  /**
   * How late, and twice as late each time that it is lost again. Default 200 ms, the least that Linux waits before it sends a
   * packet again.
   */
  readonly stallMs?: number | undefined
  /** Share of the bytes, 0–1, in which one bit is flipped. Default 0. */
  readonly corruptRatio?: number | undefined
  /**
   * Nothing comes through and no connection is ended, old or new, as with a broken link. What was sent meanwhile comes when it
   * is over. Default false.
   */
  readonly silent?: boolean | undefined
  /**
   * Everything is taken and thrown away, the end of a connection as well: a black hole. What was lost does not come back.
   * Default false.
   */
  readonly swallow?: boolean | undefined
}

/** How a connection ends: by RST, or by FIN as if in good order. */
export type CutHow = 'reset' | 'end'

/**
 * When a connection is cut. `connected`: as soon as it is there. `before-headers`: instead of the first bytes of an answer.
 * `after-headers`: behind the empty line that ends an answer's headers. Or when so many bytes have passed in one direction,
 * counted from when the fault was set.
 */
export type CutMoment = 'connected' | 'before-headers' | 'after-headers' | { readonly toTargetBytes: number } | { readonly toClientBytes: number }

export interface CutFault {
  readonly at: CutMoment
  /** Default `'reset'`. */
  readonly how?: CutHow | undefined
  /** Share of the connections, 0–1, that it happens to. Default 1. */
  readonly ratio?: number | undefined
  /** How often it happens in all; then connections live. Default: always. */
  readonly times?: number | undefined
}

/** What is wrong with a connection. What stands at the top holds for both directions; what is said of one direction goes before it. */
export interface Faults extends FlowFaults {
  readonly toTarget?: FlowFaults | undefined
  readonly toClient?: FlowFaults | undefined
  readonly cut?: CutFault | undefined
  /** Nobody listens: new connections are refused (ECONNREFUSED), old ones live on. Default false. */
  readonly refuse?: boolean | undefined
}

export interface FaultProxyOptions {
  /** Where connections lead. */
  readonly target: { readonly host: string; readonly port: number }
  /** What is wrong from the beginning. Default: nothing. */
  readonly faults?: Faults | undefined
  /** Sees every chunk that comes in, before any fault. */
  readonly observe?: ((direction: 'toTarget' | 'toClient', chunk: Buffer) => void) | undefined
  /** Where chance comes from. Default: `seededRandom(1)`, so that each run is like the one before. */
  readonly random?: Random | undefined
  /** Default: the machine's. */
  readonly clock?: Clock | undefined
}

/** {@link FlowFaults} with every default in its place. */
export type FlowSettings = { readonly [K in keyof FlowFaults]-?: NonNullable<FlowFaults[K]> }

export const flowDefaults: FlowSettings = Object.freeze({
  latencyMs: 0,
  jitterMs: 0,
  bytesPerSec: Infinity,
  stallRatio: 0,
  stallMs: 200,
  corruptRatio: 0,
  silent: false,
  swallow: false,
})

export interface CutSettings {
  readonly at: CutMoment
  readonly how: CutHow
  readonly ratio: number
  readonly times: number
}

export const cutDefaults = Object.freeze({ how: 'reset', ratio: 1, times: Infinity } as const)

/** {@link Faults} with every default in its place. */
export interface FaultSettings {
  readonly toTarget: FlowSettings
  readonly toClient: FlowSettings
  readonly cut: CutSettings | undefined
  readonly refuse: boolean
}

// An hour: longer than any test, and short enough for every timer.
const delayMs = numberFrom(0, 3_600_000)

const flowReaders = {
  latencyMs: delayMs,
  jitterMs: delayMs,
  bytesPerSec: numberFrom(1, Number.MAX_VALUE),
  stallRatio: ratio,
  stallMs: delayMs,
  corruptRatio: ratio,
  silent: flag,
  swallow: flag,
}

const momentName = oneOf('connected', 'before-headers', 'after-headers')

const moment: Reader<CutMoment> = (value, path) => {
  if (typeof value === 'string') return momentName(value, path)
  const bytes = fields<{ toTargetBytes?: number; toClientBytes?: number }>({ toTargetBytes: wholeNumber(1), toClientBytes: wholeNumber(1) })(value, path)
  if (Object.keys(bytes).length !== 1) throw optionError(path, 'either toTargetBytes or toClientBytes', value)
  return bytes as CutMoment
}

const cut: Reader<CutFault> = (value, path) => {
  const { at, ...rest } = fields<CutFault>({ at: moment, how: oneOf('reset', 'end'), ratio, times: wholeNumber(1) })(value, path)
  if (at === undefined) throw optionError(`${path}.at`, 'the moment of the cut', at)
  return { at, ...rest }
}

const faultsReader = fields<Faults>({
  ...flowReaders,
  toTarget: fields<FlowFaults>(flowReaders),
  toClient: fields<FlowFaults>(flowReaders),
  cut,
  refuse: flag,
})

/** Reads what is to go wrong. */
export function readFaults(value: unknown, path: string): FaultSettings {
  const { toTarget, toClient, cut, refuse = false, ...both } = faultsReader(value, path)
  // What a reader gives has no field that is undefined.
  const flow = (own: FlowFaults = {}): FlowSettings => ({ ...flowDefaults, ...both, ...own }) as FlowSettings
  return {
    toTarget: flow(toTarget),
    toClient: flow(toClient),
    cut: cut === undefined ? undefined : ({ ...cutDefaults, ...cut } as CutSettings),
    refuse,
  }
}

const readTarget = fields<FaultProxyOptions['target']>({ host, port })

const target: Reader<FaultProxyOptions['target']> = (value, path) => {
  const { host, port } = readTarget(value, path)
  if (host === undefined) throw optionError(`${path}.host`, 'the host that connections lead to', host)
  if (port === undefined) throw optionError(`${path}.port`, 'the port that connections lead to', port)
  return { host, port }
}

/** {@link FaultProxyOptions}, read. */
export interface ProxySettings extends Omit<FaultProxyOptions, 'faults'> {
  readonly faults: FaultSettings
}

const proxyReader = fields<ProxySettings>({
  target,
  faults: readFaults,
  observe: callable('a function (direction, chunk)'),
  random: callable('a function, such as seededRandom(1)'),
  clock: callable('a clock', 'now'),
})

/** Reads what a fault proxy is made from; only the target has no default. */
export function readProxyOptions(value: unknown): ProxySettings {
  const { target, faults = readFaults({}, 'faults'), ...rest } = proxyReader(value, '')
  if (target === undefined) throw optionError('target', 'where connections lead, as { host, port }', target)
  return { target, faults, ...rest }
}
