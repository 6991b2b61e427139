import { context as contextApi, diag, type Context } from '@opentelemetry/api'

/** Runs what calls into the application's SDK. What it throws is told to OpenTelemetry's own diagnostics, and goes no further. */
export function guarded<T>(task: () => T, otherwise: T): T {
  try {
    return task()
  } catch (error) {
    try {
      diag.warn('sidecarless: telemetry failed', error)
    } catch {
      // The logger is the application's as well.
    }
    return otherwise
  }
}

/** Runs `task` once with `context` active, or without it if the application's context manager fails. */
export function within<T>(context: Context, task: () => Promise<T>): Promise<T> {
  let running: Promise<T> | undefined
  const run = (): void => {
    running ??= started(task)
  }
  guarded(() => contextApi.with(context, run), undefined)
  return running ?? task()
}

/** Turns what `task` throws at once into a rejection, so that a throw can only have come from the context manager. */
async function started<T>(task: () => Promise<T>): Promise<T> {
  return task()
}
