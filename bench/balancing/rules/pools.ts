import type { Dispatcher } from 'undici'

/** One request through undici, given up after `timeoutMs`: the status, once the body is there. */
export async function requestThrough(dispatcher: Dispatcher, origin: string, workMs: number, timeoutMs: number): Promise<number> {
  const giveUp = new AbortController()
  const timer = setTimeout(() => giveUp.abort(), timeoutMs)
  try {
    const options = { origin, method: 'GET', path: `/work/${workMs.toFixed(2)}`, signal: giveUp.signal } as const
    const { statusCode, body } = await (dispatcher as Dispatcher & { request: Request }).request(options)
    await body.text()
    return statusCode
  } finally {
    clearTimeout(timer)
  }
}

type Request = (options: Dispatcher.RequestOptions) => Promise<Dispatcher.ResponseData>
