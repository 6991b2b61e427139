import type { Events } from '../call/events.js'
import { ERROR_TYPE, HTTP_RESPONSE_STATUS_CODE, MESH_FAULT, MESH_PEER_PRINCIPAL, SERVER_ADDRESS } from './attributes.js'
import { AUDIT_ALLOWED, BREAKER_STATE, EJECTION_REASON, HEDGE_WON, POLICY_RESULT } from './instruments.js'
import type { Metrics } from './metrics.js'

/** Counts the news of the mesh. Not that of every pick: each would cost every call something, and the attempts are measured already. */
export function countEvents(events: Events, metrics: Metrics): void {
  // Of what may happen once for all, the first 1 is an increase to Prometheus only when there was a 0 before it.
  for (const key of ['identityErrors', 'tlsErrors'] as const) metrics.counter(key).at({})
  for (const result of ['replaced', 'refused']) metrics.counter('policyChanges').at({ [POLICY_RESULT]: result })
  const of = (service: string) => ({ [SERVER_ADDRESS]: service })
  events.on('retried', ({ service }) => metrics.count('retries', of(service)))
  events.on('retryDenied', ({ service }) => metrics.count('retriesDenied', of(service)))
  events.on('hedged', ({ service, won }) => metrics.count('hedges', { ...of(service), [HEDGE_WON]: won }))
  events.on('fallback', ({ service }) => metrics.count('fallbacks', of(service)))
  events.on('ejected', ({ service, reason }) => metrics.count('ejections', { ...of(service), [EJECTION_REASON]: reason }))
  events.on('readmitted', ({ service }) => metrics.count('readmissions', of(service)))
  events.on('breaker', ({ service, state }) => metrics.count('breakerChanges', { ...of(service), [BREAKER_STATE]: state }))
  events.on('registryError', ({ service }) => metrics.count('registryErrors', of(service)))
  events.on('tokenRenewed', ({ audience }) => metrics.count('tokens', of(audience)))
  events.on('identityError', () => metrics.count('identityErrors'))
  events.on('tlsError', () => metrics.count('tlsErrors'))
  events.on('denied', ({ code, status, peer }) =>
    metrics.count('denials', { [ERROR_TYPE]: code, [HTTP_RESPONSE_STATUS_CODE]: status, [MESH_PEER_PRINCIPAL]: peer }),
  )
  events.on('spilled', () => metrics.count('spills'))
  events.on('policyReplaced', () => metrics.count('policyChanges', { [POLICY_RESULT]: 'replaced' }))
  events.on('policyRefused', () => metrics.count('policyChanges', { [POLICY_RESULT]: 'refused' }))
  events.on('audited', ({ allowed }) => metrics.count('audits', { [AUDIT_ALLOWED]: allowed }))
  events.on('faultInjected', ({ status }) => metrics.count('faults', { [MESH_FAULT]: status === undefined ? 'delay' : 'abort' }))
}
