import { plainText, type Answer } from './http/answer.js'
import type { Route } from './http/route.js'
import { indexText } from './index-text.js'

const NOT_BUILT = 'The page is not built: this runs from source. `npm run build:js` builds it into dist/; `/` in a terminal lists what is served.\n'

/** `GET /`: the page for a browser, the list of what is served for everybody else. */
export const frontDoor: Route = {
  methods: ['GET'],
  path: '/',
  handle: ({ headers }) => (prefersPage(headers.accept) ? page() : plainText(indexText, { headers: { vary: 'accept' } })),
}

/** Browsers name HTML; `curl` and `fetch` take anything, and a terminal reads text better. */
function prefersPage(accept = ''): boolean {
  return /(?:^|,)\s*text\/html\s*(?:[;,]|$)/i.test(accept)
}

async function page(): Promise<Answer> {
  // A chunk of its own, so that a control plane that nobody looks at does not hold it.
  const { builtPage } = await import('./built-page.js')
  if (builtPage === undefined) return plainText(NOT_BUILT, { status: 503, headers: { vary: 'accept' } })
  const { html, policy } = builtPage
  return {
    status: 200,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-cache',
      vary: 'accept',
    },
    body: html,
  }
}
