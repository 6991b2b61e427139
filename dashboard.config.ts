import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import { build, type Plugin } from 'esbuild'
import type { BuiltPage } from './src/control-plane/built-page.js'

const FOLDER = resolve(import.meta.dirname, 'src/control-plane/dashboard')
const PLACEHOLDER = /[\\/]src[\\/]control-plane[\\/]built-page\.ts$/

/** Drawn from the page's own colours; without one a browser asks for `/favicon.ico`. */
const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath d='M4 4l8 8M4 12l8-8' stroke='%233b63d9' stroke-width='1.6'/%3E%3Cg fill='%233b63d9'%3E%3Ccircle cx='4' cy='4' r='2.4'/%3E%3Ccircle cx='12' cy='4' r='2.4'/%3E%3Ccircle cx='4' cy='12' r='2.4'/%3E%3Ccircle cx='12' cy='12' r='2.4'/%3E%3C/g%3E%3C/svg%3E"

/** Builds the page into one document: script and style stand in it, and its policy lets nothing else run. */
export async function buildPage(): Promise<BuiltPage> {
  const { outputFiles } = await build({
    absWorkingDir: import.meta.dirname,
    entryPoints: [resolve(FOLDER, 'main.tsx'), resolve(FOLDER, 'style/page.css')],
    bundle: true,
    minify: true,
    write: false,
    outdir: 'page',
    format: 'iife',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'warning',
  })
  const textOf = (ending: string): string => outputFiles.find(({ path }) => path.endsWith(ending))!.text.trim()
  // The document ends where its own script says so, not where a text in it does.
  const script = textOf('.js').replaceAll('</script', '<\\/script')
  const style = textOf('.css')
  const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="description" content="Who calls whom, how well, and why a request went where it went.">
<title>sidecarless</title>
<link rel="icon" href="${ICON}">
<style>${style}</style>
<body>
<div id="page"><noscript>This page is drawn by its script. <code>curl /</code> lists what is served here, <code>/api/edges</code> says who calls whom.</noscript></div>
<script>${script}</script>
</body>
</html>
`
  return { html, policy: policyFor(script, style) }
}

function policyFor(script: string, style: string): string {
  return [
    "default-src 'none'",
    `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    // Nothing that a span says can become markup, whatever the script does.
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ')
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}

async function moduleText(): Promise<string> {
  return `export const builtPage = ${JSON.stringify(await buildPage())}\n`
}

/** Puts the built page into the package, in the place of `built-page.ts`. */
export const pageInPackage: Plugin = {
  name: 'page-in-package',
  setup({ onLoad }) {
    onLoad({ filter: PLACEHOLDER }, async () => ({ contents: await moduleText(), loader: 'js' }))
  },
}

/** The same for tests, which run from source; built when the first of them asks for the page. */
export const pageInTests = {
  name: 'page-in-tests',
  enforce: 'pre' as const,
  load: (id: string): Promise<string> | undefined => (PLACEHOLDER.test(id) ? moduleText() : undefined),
}
