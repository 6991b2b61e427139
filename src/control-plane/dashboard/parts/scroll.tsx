import type { ComponentChildren, JSX } from 'preact'

/** What may be wider than the screen scrolls in its own place, by keyboard too. */
export function Scroll({ label, children }: { readonly label: string; readonly children: ComponentChildren }): JSX.Element {
  return (
    <div class="scroll" role="group" aria-label={label} tabIndex={0}>
      {children}
    </div>
  )
}
