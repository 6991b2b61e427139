// Asks again and again for what is on the screen: each second, more and more seldom while nobody answers, and not at
// all while nobody looks.

/** Of the browser, and of a test. */
export interface Surroundings {
  readonly fetch: (path: string, signal: AbortSignal) => Promise<{ readonly ok: boolean; readonly status: number; json(): Promise<unknown> }>
  readonly now: () => number
  readonly schedule: (task: () => void, delayMs: number) => () => void
  readonly isHidden: () => boolean
}

/** One question and its latest answer. */
export interface Asked {
  /** Undefined until the first answer. */
  readonly answer: unknown
  readonly at: number
  /** Why the last one was not answered as asked; the control plane's own words. */
  readonly problem: { readonly status: number; readonly detail: string } | undefined
}

export interface Connection {
  readonly state: 'starting' | 'live' | 'paused' | 'lost'
  /** Of a lost one: since when, and when it is tried again. */
  readonly lostAt: number
  readonly nextTryAt: number
}

interface Question {
  readonly listeners: Set<() => void>
  asked: Asked
}

export const EVERY_MS = 1_000
const MOST_MS = 10_000
const PATIENCE_MS = 5_000
const NOTHING: Asked = { answer: undefined, at: 0, problem: undefined }

export class Live {
  connection: Connection = { state: 'starting', lostAt: 0, nextTryAt: 0 }
  readonly #around: Surroundings
  readonly #questions = new Map<string, Question>()
  readonly #watchers = new Set<() => void>()
  #failures = 0
  #isPaused = false
  #round: AbortController | undefined
  #cancel = (): void => {}

  constructor(around: Surroundings) {
    this.#around = around
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  /** The latest answer to a question. */
  asked(path: string): Asked {
    return this.#questions.get(path)?.asked ?? NOTHING
  }

  /** Asks a question until the returned function is called; `listener` hears of each answer. */
  subscribe(path: string, listener: () => void): () => void {
    const question = this.#questions.get(path) ?? { listeners: new Set<() => void>(), asked: NOTHING }
    const isNew = question.listeners.size === 0
    this.#questions.set(path, question)
    question.listeners.add(listener)
    if (isNew) this.#again(0)
    return () => {
      question.listeners.delete(listener)
      if (question.listeners.size === 0) this.#questions.delete(path)
    }
  }

  /** `listener` hears when the connection is another. */
  watch(listener: () => void): () => void {
    this.#watchers.add(listener)
    return () => void this.#watchers.delete(listener)
  }

  pause(): void {
    this.#isPaused = true
    this.#stop()
    this.#become({ state: 'paused', lostAt: 0, nextTryAt: 0 })
  }

  /** Goes on at once: after a pause, when the page is seen again, or when the reader will not wait. */
  resume(): void {
    this.#isPaused = false
    this.#again(0)
  }

  /** Tells that the page is hidden or seen again. */
  seen(): void {
    if (this.#around.isHidden()) this.#stop()
    else if (!this.#isPaused) this.#again(0)
  }

  #stop(): void {
    this.#cancel()
    this.#round?.abort()
    this.#round = undefined
  }

  #again(delayMs: number): void {
    this.#stop()
    // Who pauses still sees an answer to a new question, once.
    if (!this.#around.isHidden()) this.#cancel = this.#around.schedule(() => void this.#ask(), delayMs)
  }

  async #ask(): Promise<void> {
    const round = new AbortController()
    this.#round = round
    const giveUp = this.#around.schedule(() => round.abort(), PATIENCE_MS)
    const results = await Promise.all([...this.#questions.keys()].map((path) => this.#askOne(path, round.signal)))
    giveUp()
    if (this.#round !== round) return
    const isAnswered = results.every(Boolean)
    this.#failures = isAnswered ? 0 : this.#failures + 1
    if (this.#isPaused) return
    const delayMs = isAnswered ? EVERY_MS : Math.min(EVERY_MS * 2 ** (this.#failures - 1), MOST_MS)
    const now = this.#around.now()
    const lostAt = this.connection.state === 'lost' ? this.connection.lostAt : now
    this.#become(isAnswered ? { state: 'live', lostAt: 0, nextTryAt: 0 } : { state: 'lost', lostAt, nextTryAt: now + delayMs })
    this.#again(delayMs)
  }

  /** False when nobody answered; a refusal is an answer. */
  async #askOne(path: string, signal: AbortSignal): Promise<boolean> {
    try {
      const response = await this.#around.fetch(path, signal)
      const body = await response.json()
      const { answer } = this.asked(path)
      const problem = response.ok ? undefined : { status: response.status, detail: detailOf(body) }
      this.#take(path, { answer: response.ok ? body : answer, at: this.#around.now(), problem })
      return true
    } catch {
      return false
    }
  }

  #take(path: string, asked: Asked): void {
    const question = this.#questions.get(path)
    if (question === undefined) return
    question.asked = asked
    for (const listener of question.listeners) listener()
  }

  #become(connection: Connection): void {
    const { state, nextTryAt } = this.connection
    this.connection = connection
    if (state !== connection.state || nextTryAt !== connection.nextTryAt) for (const listener of this.#watchers) listener()
  }
}

function detailOf(body: unknown): string {
  const detail = (body as { readonly detail?: unknown } | null)?.detail
  return typeof detail === 'string' ? detail : 'no reason was given'
}
