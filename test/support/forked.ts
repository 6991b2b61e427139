import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

/** A program in a process of its own that is spoken to; it ends with the test at the latest. */
export interface Forked {
  /** What it says of itself, or answers, next. */
  hear<Answer>(): Promise<Answer>
  /** Says something to it, and hears its answer. */
  ask<Answer>(question: unknown): Promise<Answer>
}

/** Starts a program of `programs/`, which says something when it is ready. */
export function forked(program: string, args: readonly string[] = []): Forked {
  const child = fork(fileURLToPath(new URL(`./programs/${program}`, import.meta.url)), args, { execArgv: ['--import', 'tsx'] })
  const ended = new Promise<string>((resolve) => child.once('exit', (code, signal) => resolve(`${program} ended with ${code ?? signal}`)))
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const hear = <Answer>(): Promise<Answer> =>
    new Promise((resolve, reject) => {
      child.once('message', (answer) => resolve(answer as Answer))
      void ended.then((how) => reject(new Error(how)))
    })
  return {
    hear,
    ask<Answer>(question: unknown) {
      const answer = hear<Answer>()
      child.send(question as object)
      return answer
    },
  }
}
