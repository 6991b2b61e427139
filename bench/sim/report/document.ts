import { readFile, writeFile } from 'node:fs/promises'

const PAGE = new URL('../../../docs/balancing.md', import.meta.url)
const CHART = new URL('../../../docs/assets/balancing.svg', import.meta.url)

/** Puts the figures of a run into the page that explains them: each between the marks that bear its name. */
export async function writeDocument(tables: Readonly<Record<string, string>>, chart: string): Promise<void> {
  let page = await readFile(PAGE, 'utf8')
  for (const [name, table] of Object.entries(tables)) {
    const marked = new RegExp(`(<!-- ${name} -->\\n)[^]*?(<!-- /${name} -->)`)
    if (!marked.test(page)) throw new Error(`docs/balancing.md has no place <!-- ${name} --> … <!-- /${name} -->`)
    page = page.replace(marked, (_, start: string, end: string) => `${start}${table}\n${end}`)
  }
  await writeFile(PAGE, page)
  await writeFile(CHART, chart)
}
