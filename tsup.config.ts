import { defineConfig, type Options } from 'tsup'
import { pageInPackage } from './dashboard.config.js'

type Plugin = NonNullable<Options['esbuildPlugins']>[number]

/**
 * Keeps `builtin-fetch` a file of its own that is imported where undici is, just before it. The bundler knows no order
 * among its own chunks and would run it after undici.
 */
const builtinFetchFirst: Plugin = {
  name: 'builtin-fetch-first',
  setup(build) {
    const extension = build.initialOptions.outExtension?.['.js'] ?? '.js'
    build.onResolve({ filter: /\/builtin-fetch\.js$/ }, ({ kind }) =>
      kind === 'entry-point' ? undefined : { path: `./builtin-fetch${extension}`, external: true, sideEffects: true },
    )
  },
}

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    express: 'src/express.ts',
    fastify: 'src/fastify.ts',
    web: 'src/web.ts',
    otel: 'src/otel.ts',
    testing: 'src/testing.ts',
    'registry/etcd': 'src/registry/etcd.ts',
    'registry/kubernetes': 'src/registry/kubernetes.ts',
    'registry/dns': 'src/registry/dns.ts',
    cli: 'src/cli.ts',
    'builtin-fetch': 'src/base/builtin-fetch.ts',
  },
  format: ['esm', 'cjs'],
  target: 'node20',
  dts: true,
  splitting: true,
  sourcemap: true,
  clean: true,
  // `import 'test'` is not `import 'node:test'`.
  removeNodeProtocol: false,
  esbuildPlugins: [builtinFetchFirst, pageInPackage],
})
