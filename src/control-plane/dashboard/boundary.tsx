import { Component, type ComponentChildren } from 'preact'
import { toGraph } from './route.js'

interface State {
  readonly error: unknown
}

/** An error in one view leaves the rest of the page as it is. */
export class Boundary extends Component<{ readonly children: ComponentChildren }, State> {
  override state: State = { error: undefined }

  static override getDerivedStateFromError(error: unknown): State {
    return { error }
  }

  render(): ComponentChildren {
    if (this.state.error === undefined) return this.props.children
    return (
      <div class="empty" role="alert">
        <h1 tabIndex={-1}>This view cannot be shown</h1>
        <p>
          <code>{String(this.state.error)}</code>
        </p>
        <p>
          Reload the page, or go <a href={toGraph}>back to the graph</a>.
        </p>
      </div>
    )
  }
}
