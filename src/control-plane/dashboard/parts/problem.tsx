import type { JSX } from 'preact'

/** Why a question was refused, in the control plane's own words. */
export function Problem({ status, detail }: { readonly status: number; readonly detail: string }): JSX.Element {
  return (
    <p class="problem" role="alert">
      <strong>The control plane answered {status}.</strong> {detail}
    </p>
  )
}

export function Waiting(): JSX.Element {
  return (
    <p class="waiting" aria-busy="true">
      Asking the control plane …
    </p>
  )
}
