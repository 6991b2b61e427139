import { defineConfig } from 'vitest/config'
import { pageInTests } from './dashboard.config.js'

/** `vitest run` is the quick suite; `--mode faults` runs what needs real minutes. */
export default defineConfig(({ mode }) => ({
  plugins: [pageInTests],
  test: {
    include: mode === 'faults' ? ['test/faults/**/*.test.ts'] : ['test/**/*.test.ts'],
    exclude: mode === 'faults' ? [] : ['test/faults/**'],
    pool: 'forks',
    // Faults are shown on real processes under load; two at once would be each other's fault.
    fileParallelism: mode !== 'faults',
    testTimeout: mode === 'faults' ? 300_000 : 30_000,
    hookTimeout: 60_000,
    reporters: ['default', ['json', { outputFile: process.env.VITEST_REPORT ?? `reports/${mode}.json` }]],
  },
}))
