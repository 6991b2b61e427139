import { defineConfig } from 'vitest/config'
import { pageInTests } from './dashboard.config.js'

const FUZZED = ['test/fuzz/**/*.test.ts', 'test/auth/policy.properties.test.ts', 'test/auth/proofs.test.ts', 'test/flow/playbook.test.ts']

/** `vitest run` is the quick suite; `--mode faults` runs what needs real minutes, `--mode fuzz` the properties on many more inputs. */
export default defineConfig(({ mode }) => ({
  plugins: [pageInTests],
  test: {
    include: mode === 'faults' ? ['test/faults/**/*.test.ts'] : mode === 'fuzz' ? FUZZED : ['test/**/*.test.ts'],
    exclude: mode === 'faults' ? [] : ['test/faults/**'],
    env: mode === 'fuzz' ? { FUZZ_RUNS: process.env.FUZZ_RUNS ?? '100000' } : {},
    pool: 'forks',
    // Faults are shown on real processes under load; two at once would be each other's fault.
    fileParallelism: mode !== 'faults',
    testTimeout: mode === 'test' ? 30_000 : 300_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 15_000 } },
    reporters: ['default', ['json', { outputFile: process.env.VITEST_REPORT ?? `reports/${mode}.json` }]],
  },
}))
