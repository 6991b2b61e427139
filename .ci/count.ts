import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Adds up vitest's JSON reports in a folder and prints the one closing line; fails when a test failed or none passed. */
interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[]
}

const folder = process.argv[2] ?? 'reports'
let passed = 0
let failed = 0
let skipped = 0
for (const name of readdirSync(folder).filter((file) => file.endsWith('.json'))) {
  const report = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Report
  // A suite that could not be loaded has no test to count as failed.
  const unloaded = report.testResults.filter(({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0)
  passed += report.numPassedTests
  failed += report.numFailedTests + unloaded.length
  skipped += report.numPendingTests + report.numTodoTests
}
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
process.exitCode = failed > 0 || passed === 0 ? 1 : 0
