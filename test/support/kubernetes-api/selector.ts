/** Whether an object with these labels is selected. */
export type Selector = (labels: Readonly<Record<string, string>>) => boolean

const KEY = '(?:[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?'
const VALUE = '(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?'
const EQUALITY = new RegExp(`^(${KEY})\\s*(==|=|!=)\\s*(${VALUE})$`)
const SET = new RegExp(`^(${KEY})\\s+(in|notin)\\s+\\(([^()]*)\\)$`)
const EXISTS = new RegExp(`^(!?)\\s*(${KEY})$`)

/**
 * Reads a label selector, equality-based or set-based; all of its requirements must hold. Throws on what is none.
 * {@link https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors}
 */
export function readSelector(text: string): Selector {
  const requirements = text === '' ? [] : text.split(/,(?![^(]*\))/).map((part) => readRequirement(part.trim()))
  return (labels) => requirements.every((holds) => holds(labels))
}

function readRequirement(text: string): Selector {
  const equality = EQUALITY.exec(text)
  if (equality !== null) {
    const [, key, operator, value] = equality as unknown as [string, string, string, string]
    return (labels) => (labels[key] === value) === (operator !== '!=')
  }
  const set = SET.exec(text)
  if (set !== null) {
    const [, key, operator, list] = set as unknown as [string, string, string, string]
    const values = list.split(',').map((value) => value.trim())
    return (labels) => (Object.hasOwn(labels, key) && values.includes(labels[key]!)) === (operator === 'in')
  }
  const exists = EXISTS.exec(text)
  if (exists === null) throw new Error(`unable to parse requirement: ${text}`)
  const [, not, key] = exists as unknown as [string, string, string]
  return (labels) => Object.hasOwn(labels, key) === (not === '')
}
