/** An answer that is a refusal. */
export class Refusal extends Error {
  constructor(
    readonly code: number,
    readonly reason: string,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message)
  }
}

/** The object that says why: {@link https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/}. */
export function statusObject({ code, reason, message }: Refusal): object {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code }
}

/** The refusal of a version that is no longer known. */
export function expired(version: number | string): Refusal {
  return new Refusal(410, 'Expired', `too old resource version: ${version}`)
}

/** A number in a query; absent is undefined. */
export function numberIn(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name)
  if (text === null || text === '') return undefined
  if (!/^\d{1,15}$/.test(text)) throw new Refusal(400, 'BadRequest', `${name}: Invalid value: "${text}"`)
  return Number(text)
}
