import { meshErrorIn } from '../base/errors.js'
import type { Call } from '../call/call.js'
import type { Layer } from '../call/layer.js'
import { outcomeOf } from '../call/outcome.js'
import type { Reply } from '../call/reply.js'
import { ERROR_TYPE, SERVER_ADDRESS } from './attributes.js'
import { OUTCOME } from './instruments.js'
import type { Metrics } from './metrics.js'
import type { CounterSeries } from './series.js'

/** Counts the calls to one service by what became of them, once each, however many attempts they took. */
export function callMetrics(metrics: Metrics, service: string): Layer<Call> {
  const set = metrics.counter('calls')
  let successes: CounterSeries | undefined

  const answered = (reply: Reply): Reply => {
    const { kind } = outcomeOf(reply)
    // Most calls succeed: they are counted without a look-up.
    if (kind === 'success' && !reply.fallback) (successes ??= set.at({ [SERVER_ADDRESS]: service, [OUTCOME]: 'success' })).value++
    else count(reply.fallback ? 'fallback' : kind, kind === 'success' ? undefined : String(reply.status))
    return reply
  }
  const failed = (error: Error): never => {
    count(outcomeOf(error).kind, meshErrorIn(error)?.code ?? '_OTHER')
    throw error
  }
  const count = (outcome: string, errorType: string | undefined): void =>
    metrics.count('calls', { [SERVER_ADDRESS]: service, [OUTCOME]: outcome, [ERROR_TYPE]: errorType })

  return (next) => (call) => next(call).then(answered, failed)
}
