import type { Dispatcher } from 'undici'
import type { ResponseHeaders } from '../call/headers.js'

/** The callbacks of undici up to version 6, which the built-in fetch of Node 20 and 22 still brings. */
interface OldHandler {
  onConnect?(abort: (reason?: Error) => void, context: unknown): void
  onResponseStarted?(): void
  onHeaders?(status: number, headers: Buffer[], resume: () => void, statusText: string): boolean
  onData?(chunk: Buffer): boolean
  onComplete?(trailers: Buffer[]): void
  onError?(error: Error): void
}

/** The newer face of a handler, whichever it has. */
export function modernHandler(handler: Dispatcher.DispatchHandler): Dispatcher.DispatchHandler {
  return typeof handler.onRequestStart === 'function' ? handler : new LegacyHandler(handler as unknown as OldHandler)
}

class LegacyHandler implements Dispatcher.DispatchHandler {
  readonly #handler: OldHandler

  constructor(handler: OldHandler) {
    this.#handler = handler
  }

  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    this.#handler.onConnect?.((reason) => controller.abort(reason ?? new Error('aborted')), context)
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: ResponseHeaders, statusText = ''): void {
    this.#handler.onResponseStarted?.()
    const goOn = this.#handler.onHeaders?.(status, rawHeaders(headers), () => controller.resume(), statusText)
    if (goOn === false) controller.pause()
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#handler.onData?.(chunk) === false) controller.pause()
  }

  onResponseEnd(_controller: Dispatcher.DispatchController, trailers: ResponseHeaders): void {
    this.#handler.onComplete?.(rawHeaders(trailers))
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#handler.onError?.(error)
  }
}

/** Name, value, name, value …: one pair for each value, so that several `set-cookie` stay apart. */
export function rawHeaders(headers: ResponseHeaders): Buffer[] {
  const raw: Buffer[] = []
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue
    for (const single of Array.isArray(value) ? value : [value]) {
      raw.push(Buffer.from(name, 'latin1'), Buffer.from(single, 'latin1'))
    }
  }
  return raw
}
