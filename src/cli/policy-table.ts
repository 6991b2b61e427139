import type { ServiceExplanation } from '../service-report.js'
import { drawTable, type Column, type TableLook } from './table.js'

type Policy = ServiceExplanation['policy']

/** Every value in force and who set it; what somebody has set stands out. */
export function policyTable(policy: Policy, look: TableLook): readonly string[] {
  const { style } = look
  const columns: Column<readonly [string, Policy[string]]>[] = [
    { head: 'POLICY', cell: ([path]) => path, least: 16 },
    { head: 'VALUE', cell: ([, { value }]) => textOf(value), least: 8 },
    { head: 'SET BY', cell: ([, { origin }]) => ({ text: origin, paint: origin === 'default' ? style.dim : style.bold }), least: 7 },
  ]
  return drawTable(columns, Object.entries(policy), look)
}

/** `undefined` does not come through JSON: nothing is set. */
function textOf(value: unknown): string {
  return value === undefined ? 'none' : JSON.stringify(value)
}
