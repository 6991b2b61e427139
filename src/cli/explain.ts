import type { ServiceExplanation } from '../service-report.js'
import { command } from './command.js'
import { endpointTable, COST_FORMULA } from './endpoint-table.js'
import { pickTables } from './pick-table.js'
import { policyTable } from './policy-table.js'
import { instanceTable } from './service-table.js'
import { adminOption, readInstances, readObject, urlOptions, withAdmin, withControlPlane } from './source-options.js'
import type { TableLook } from './table.js'
import { printJson, printLines } from './terminal.js'
import { counted, percent, span, whole } from './units.js'
import { UsageError } from './usage-error.js'
import { lineOf } from './width.js'
import { readWindowSec, windowInWords, windowOption } from './window.js'

export const explainCommand = command({
  usage: ['explain <service> [options]'],
  about: `Shows why calls to a service go where they go: its instances, and for each caller what it knew of each instance when it
last picked that one. With --admin: what one process knows now, and every value of its policy with who set it.

The ${COST_FORMULA}.`,
  options: { ...windowOption, ...urlOptions, ...adminOption },
  examples: [
    ['explain users', 'why is one instance given so little?'],
    ['explain users --admin http://127.0.0.1:7118', 'state, score and policy in one caller, at this moment'],
  ],
  maxWords: 1,
  async run({ window, url, json, admin }, [service], world) {
    if (service === undefined) throw new UsageError('explain: the name of a service is missing, such as sidecarless explain users')
    const { out, clock } = world
    const look = { width: out.columns, style: out.style }
    if (admin !== undefined) {
      return withAdmin(admin, world, async (source) => {
        const explanation = await readObject<ServiceExplanation>(source, `/explain/${encodeURIComponent(service)}`)
        if (!Array.isArray(explanation.endpoints)) throw source.unlike('/explain', 'something else')
        if (json) return printJson(out, explanation)
        printLines(out, explained(explanation, look))
      })
    }
    const windowSec = readWindowSec(window)
    await withControlPlane(url, world, async (source) => {
      const rows = await readInstances(source, service, windowSec)
      if (json) return printJson(out, rows)
      if (rows.length === 0) return world.err.write(`No instance of '${service}' is registered, and none was called in ${windowInWords(windowSec)}\n`)
      const nowMs = clock.epochMs()
      printLines(out, [...instanceTable(rows, nowMs, look), ...pickTables(rows, nowMs, look)])
    })
  },
})

function explained(explanation: ServiceExplanation, look: TableLook): readonly string[] {
  const { service, breaker, limits, throttledRatio, registryAgeMs, registryError, endpoints, policy } = explanation
  const ready = endpoints.filter(({ state }) => state === 'ready').length
  const spoken = registryAgeMs == null ? 'the registry has not spoken' : `the registry spoke ${span(registryAgeMs)} ago`
  const facts = [
    `${ready} of ${counted(endpoints.length, 'endpoint')} ready`,
    `breaker ${breaker}`,
    `${whole(limits?.inFlight)} of ${whole(limits?.limit)} under way, ${whole(limits?.waiting)} waiting`,
    ...(throttledRatio > 0 ? [`${percent(throttledRatio)} held back`] : []),
    registryError == null ? spoken : `the registry fails: ${registryError}`,
  ]
  return [
    lineOf(`${service}: ${facts.join(', ')}`, look.width),
    '',
    ...endpointTable(endpoints, look),
    ...(policy['balancer.algorithm']?.value === 'adaptive' ? [look.style.dim(lineOf(COST_FORMULA, look.width))] : []),
    '',
    ...policyTable(policy, look),
  ]
}
