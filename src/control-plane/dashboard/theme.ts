// Light or dark: as the system says until the reader says otherwise, here and from then on.

export type Theme = 'light' | 'dark'

const KEY = 'sidecarless.theme'

/** Applies what the reader chose before, if anything. */
export function applyChosenTheme(): void {
  const chosen = read()
  if (chosen !== undefined) document.documentElement.dataset['theme'] = chosen
}

export function currentTheme(): Theme {
  const { theme } = document.documentElement.dataset
  if (theme === 'light' || theme === 'dark') return theme
  return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
}

export function chooseTheme(theme: Theme): void {
  document.documentElement.dataset['theme'] = theme
  try {
    localStorage.setItem(KEY, theme)
  } catch {
    // A browser that keeps nothing still shows it.
  }
}

function read(): Theme | undefined {
  try {
    const kept = localStorage.getItem(KEY)
    return kept === 'light' || kept === 'dark' ? kept : undefined
  } catch {
    return undefined
  }
}
