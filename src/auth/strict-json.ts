const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Parses JSON in which every member of every object stands once. Two readers of `{"sub":"a","sub":"b"}` may take a
 * different `sub`, which is why RFC 8725 §2.4 and RFC 7515 §4 refuse it. So are a byte order mark, any encoding but
 * UTF-8, and a member named `__proto__`. Throws a SyntaxError.
 */
export function parseStrictJson(bytes: Uint8Array): unknown {
  const text = decode(bytes)
  const value: unknown = JSON.parse(text)
  refuseDuplicates(text)
  return value
}

function decode(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes)
  } catch {
    throw new SyntaxError('not UTF-8')
  }
}

/** `text` is known to be JSON, so strings, brackets and colons are all there is to see. */
function refuseDuplicates(text: string): void {
  const open: (Set<string> | undefined)[] = []
  for (const [token, quoted] of text.matchAll(/("(?:[^"\\]|\\.)*")\s*:|"(?:[^"\\]|\\.)*"|[{}[\]]/g)) {
    if (token === '{') open.push(new Set())
    else if (token === '[') open.push(undefined)
    else if (token === '}' || token === ']') open.pop()
    else if (quoted !== undefined) addMember(open.at(-1)!, JSON.parse(quoted) as string)
  }
}

function addMember(members: Set<string>, name: string): void {
  if (members.has(name) || name === '__proto__') throw new SyntaxError('a member stands twice, or is named __proto__')
  members.add(name)
}
