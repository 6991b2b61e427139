const REDACTED = 'REDACTED'

/**
 * Names, in lower case and without punctuation, whose values give access. The first line is that of the
 * {@link https://github.com/open-telemetry/semantic-conventions/blob/v1.45.0/docs/http/http-spans.md | HTTP conventions}.
 */
const SENSITIVE: ReadonlySet<string> = new Set([
  'awsaccesskeyid', 'signature', 'sig', 'xgoogsignature',
  'auth', 'authorization', 'code', 'codeverifier', 'jwt', 'key', 'otp', 'pin', 'pwd', 'samlresponse', 'sessionid', 'sid',
])
const SENSITIVE_ENDING = /(?:accesskey|apikey|assertion|credentials?|passwd|password|secret|signature|token)$/

/** A URL, or path and query, without credentials, tokens and the values of sensitive query parameters. */
export function redactUrl(url: string): string {
  const open = url.replace(/^([a-z][a-z\d+.-]*:\/\/)[^/?#]*@/i, `$1${REDACTED}:${REDACTED}@`)
  const queryAt = open.indexOf('?')
  if (queryAt === -1) return redactTokens(open)
  return `${redactTokens(open.slice(0, queryAt))}?${redactQuery(open.slice(queryAt + 1))}`
}

/** A query without its question mark; keys stay, so that one still sees what was asked. */
export function redactQuery(query: string): string {
  return redactTokens(query.split('&').map(redactPair).join('&'))
}

/** Text in which no JSON Web Token is left, under whatever name it came. */
export function redactTokens(text: string): string {
  return text.includes('eyJ') ? text.replace(/[\w.-]+/g, withoutToken) : text
}

/** A token has three parts, and the first begins with `{"`, which is `eyJ` in base64url. */
function withoutToken(run: string): string {
  const startsAt = run.indexOf('eyJ')
  return startsAt === -1 || run.slice(startsAt).split('.').length < 3 ? run : run.slice(0, startsAt) + REDACTED
}

function redactPair(pair: string): string {
  // Some servers still take a semicolon for a separator.
  for (const match of pair.matchAll(/(?:^|;)([^;=]*)=/g)) {
    if (isSensitive(match[1]!)) return pair.slice(0, match.index + match[0].length) + REDACTED
  }
  return pair
}

function isSensitive(name: string): boolean {
  const plain = decoded(name).toLowerCase().replace(/[^a-z\d]/g, '')
  return SENSITIVE.has(plain) || SENSITIVE_ENDING.test(plain)
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}
