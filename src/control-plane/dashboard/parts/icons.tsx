import type { ComponentChildren, JSX } from 'preact'

function Icon({ children }: { readonly children: ComponentChildren }): JSX.Element {
  return (
    <svg class="glyph" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
      {children}
    </svg>
  )
}

export function Brand(): JSX.Element {
  return (
    <Icon>
      <path d="M3.5 3.5l9 9M3.5 12.5l9-9" stroke="currentColor" stroke-width="1.4" />
      <circle cx="3.5" cy="3.5" r="2.3" fill="currentColor" />
      <circle cx="12.5" cy="3.5" r="2.3" fill="currentColor" />
      <circle cx="3.5" cy="12.5" r="2.3" fill="currentColor" />
      <circle cx="12.5" cy="12.5" r="2.3" fill="currentColor" />
    </Icon>
  )
}

export function Sun(): JSX.Element {
  return (
    <Icon>
      <circle cx="8" cy="8" r="3" fill="none" stroke="currentColor" stroke-width="1.5" />
      <path d="M8 1v2M8 13v2M1 8h2M13 8h2M3 3l1.4 1.4M11.6 11.6L13 13M13 3l-1.4 1.4M4.4 11.6L3 13" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" />
    </Icon>
  )
}

export function Moon(): JSX.Element {
  return (
    <Icon>
      <path d="M13.5 9.8A5.8 5.8 0 0 1 6.2 2.5a5.8 5.8 0 1 0 7.3 7.3z" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linejoin="round" />
    </Icon>
  )
}

export function PauseMark(): JSX.Element {
  return (
    <Icon>
      <path d="M5.5 4v8M10.5 4v8" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" />
    </Icon>
  )
}

export function PlayMark(): JSX.Element {
  return (
    <Icon>
      <path d="M5 3.5v9l7-4.5z" fill="currentColor" />
    </Icon>
  )
}

export function Lock(): JSX.Element {
  return (
    <Icon>
      <rect x="3" y="7" width="10" height="6.5" rx="1.5" fill="currentColor" />
      <path d="M5 7V5a3 3 0 0 1 6 0v2" fill="none" stroke="currentColor" stroke-width="1.5" />
    </Icon>
  )
}

export function Chevron(): JSX.Element {
  return (
    <Icon>
      <path d="M6 4l4 4-4 4" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round" />
    </Icon>
  )
}
