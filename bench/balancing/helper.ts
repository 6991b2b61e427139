import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'

interface Question {
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: Error) => void
}

/** A child process that answers what it is asked; it ends when this process does, whatever the reason. */
export class Helper {
  readonly #name: string
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>
  readonly #questions = new Map<number, Question>()
  #asked = 0

  constructor(module: URL) {
    this.#name = module.pathname.split('/').at(-1)!
    // Structured clones, since latencies come by the thousand.
    this.#child = fork(module, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], serialization: 'advanced' })
    this.#ended = once(this.#child, 'exit')
    this.#child.on('message', (message) => this.#take(message as Answer))
    this.#child.once('exit', (code, signal) => this.#fail(new Error(`${this.#name} (pid ${this.pid}) ended with ${code ?? signal}`)))
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** Has the child do something; fulfils with what came of it. */
  ask(task: string, argument?: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = this.#asked++
      this.#questions.set(id, { resolve, reject })
      this.#child.send({ id, task, argument } satisfies Task, (error) => void (error !== null && this.#fail(error)))
    })
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Ends it in order: what it has started itself ends with it. */
  async dismiss(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect()
    await this.#ended
  }

  /** Ends it at once, even one that is stopped. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }

  #take({ id, answer, error }: Answer): void {
    const question = this.#questions.get(id)
    this.#questions.delete(id)
    if (error === undefined) question?.resolve(answer)
    else question?.reject(new Error(`${this.#name}: ${error}`))
  }

  #fail(error: Error): void {
    for (const { reject } of this.#questions.values()) reject(error)
    this.#questions.clear()
  }
}

interface Task {
  readonly id: number
  readonly task: string
  readonly argument: unknown
}

interface Answer {
  readonly id: number
  readonly answer?: unknown
  readonly error?: string
}

/** The child's side: does the tasks that it is asked for, and ends when nobody can ask any more. */
export function answerTasks(tasks: Readonly<Record<string, (argument: never) => unknown>>): void {
  process.on('message', ({ id, task, argument }: Task) => {
    // Whoever asked may be gone by the time that there is an answer.
    const tell = (answer: Omit<Answer, 'id'>): void => void (process.connected && process.send!({ id, ...answer }))
    void (async () => tasks[task]!(argument as never))().then(
      (answer) => tell({ answer }),
      (error: unknown) => tell({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    )
  })
  process.on('disconnect', () => process.exit())
  // A terminal sends it to everybody at once; in which order they end is the first process's affair.
  process.on('SIGINT', () => {})
}
