import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Adds up vitest's JSON reports in a folder: names what failed, prints the one closing line, and fails when a test failed or none passed. */
interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly testResults: readonly Suite[]
}

interface Suite {
  readonly name: string
  readonly status: string
  readonly message: string
  readonly assertionResults: readonly { readonly status: string; readonly fullName: string; readonly failureMessages: readonly string[] }[]
}

/** Which suite of which run, in a few lines: its whole output may be thousands of lines above. */
function tell(run: string, what: string, message: string): void {
  console.log(`failed in ${run}: ${what}\n  ${message.split('\n').slice(0, 4).join('\n  ')}`)
}

const folder = process.argv[2] ?? 'reports'
let passed = 0
let failed = 0
let skipped = 0
for (const name of readdirSync(folder).filter((file) => file.endsWith('.json'))) {
  const report = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Report
  // A suite that could not be loaded has no test to count as failed.
  const unloaded = report.testResults.filter(({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0)
  for (const suite of unloaded) tell(name, suite.name, suite.message)
  for (const suite of report.testResults) {
    for (const { status, fullName, failureMessages } of suite.assertionResults) {
      if (status === 'failed') tell(name, `${suite.name} > ${fullName}`, failureMessages.join('\n'))
    }
  }
  passed += report.numPassedTests
  failed += report.numFailedTests + unloaded.length
  skipped += report.numPendingTests + report.numTodoTests
}
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
process.exitCode = failed > 0 || passed === 0 ? 1 : 0
