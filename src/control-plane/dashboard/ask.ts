/** The path of a question; what is undefined or empty is left out. */
export function ask(path: string, query: Readonly<Record<string, string | number | undefined>> = {}): string {
  const given = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== '') given.set(name, String(value))
  const text = given.toString()
  return text === '' ? path : `${path}?${text}`
}
