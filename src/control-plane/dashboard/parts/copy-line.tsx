import type { JSX } from 'preact'
import { useState } from 'preact/hooks'

/** A line of code, and a button that copies it. */
export function CopyLine({ text }: { readonly text: string }): JSX.Element {
  const [copied, tell] = useState<'no' | 'yes' | 'failed'>('no')
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text)
      tell('yes')
    } catch {
      tell('failed')
    }
  }
  return (
    <div class="copy">
      <pre>
        <code>{text}</code>
      </pre>
      <button type="button" aria-label={`Copy: ${text}`} onClick={() => void copy()}>
        {copied === 'yes' ? 'Copied' : copied === 'failed' ? 'Select it and copy' : 'Copy'}
      </button>
    </div>
  )
}
