import type { ComponentChildren, JSX } from 'preact'
import type { InstanceState, Tone } from '../insight.js'

/** A short word with a colour, which says nothing that the word does not. */
export function Tag({ tone, title, children }: { readonly tone: Tone | 'info'; readonly title?: string; readonly children: ComponentChildren }): JSX.Element {
  return (
    <span class="tag" data-tone={tone} title={title}>
      {children}
    </span>
  )
}

export const TONE_OF_STATE: Readonly<Record<InstanceState, Tone>> = {
  passing: 'good',
  unregistered: 'good',
  slow: 'warn',
  failing: 'bad',
  critical: 'bad',
  draining: 'idle',
  gone: 'idle',
}
