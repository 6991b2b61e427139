import { useEffect, useState } from 'preact/hooks'

/** Whether a media query holds, now and whenever that changes. */
export function useMedia(query: string): boolean {
  const [matches, tell] = useState(() => matchMedia(query).matches)
  useEffect(() => {
    const list = matchMedia(query)
    const changed = (): void => tell(list.matches)
    changed()
    list.addEventListener('change', changed)
    return () => list.removeEventListener('change', changed)
  }, [query])
  return matches
}
