import { defineConfig } from 'tsup'

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    express: 'src/express.ts',
    fastify: 'src/fastify.ts',
    web: 'src/web.ts',
    testing: 'src/testing.ts',
    'registry/etcd': 'src/registry/etcd.ts',
    'registry/kubernetes': 'src/registry/kubernetes.ts',
    'registry/dns': 'src/registry/dns.ts',
    cli: 'src/cli.ts',
    // Written into another file, it would run after that file's imports, undici among them.
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
})
