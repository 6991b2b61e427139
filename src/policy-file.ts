import { closeSync, openSync, readSync } from 'node:fs'
import { LivePolicy } from './auth/live-policy.js'
import type { AccessPolicy } from './auth/policy.js'
import { parseStrictJson } from './auth/strict-json.js'
import { systemClock, type Clock } from './base/clock.js'
import { MeshError } from './base/errors.js'
import { text } from './base/validate.js'
import { fileContents } from './discovery/file-contents.js'

/** Far more rules than anybody can oversee. */
const MAX_BYTES = 1024 * 1024

/** A policy that is a file: see {@link policyFile}. */
export class PolicyFile extends LivePolicy {
  readonly #path: string
  readonly #watch = new AbortController()

  constructor(path: string, clock: Clock) {
    const content = firstContent(path)
    super(parse(path, content))
    this.#path = path
    void this.#follow(content, clock)
  }

  /** Ends the watch; the policy of the moment stays. */
  close(): void {
    this.#watch.abort()
  }

  async #follow(first: string, clock: Clock): Promise<void> {
    let last: string | undefined = first
    for await (const content of fileContents(this.#path, MAX_BYTES, clock, this.#watch.signal)) {
      if (content === last) continue
      last = typeof content === 'string' ? content : undefined
      this.#take(content)
    }
  }

  #take(content: string | Error): void {
    let policy: AccessPolicy
    try {
      if (content instanceof Error) throw content
      policy = parse(this.#path, content)
    } catch (error) {
      return this.refuse((error as Error).message)
    }
    try {
      this.replace(policy)
    } catch {
      // It was told, and the last good one stays.
    }
  }
}

/**
 * A policy that is a JSON file, for the option `policy`. It is read again whenever the file changes, whether that is written in
 * place or replaced by renaming; nothing of it keeps the process alive. Throws `MESH_ERR_OPTION` when the file cannot be read or
 * its policy is not understood. Later that is told (`policyRefused`), and the last good policy stays.
 */
export function policyFile(path: string, clock: Clock = systemClock): PolicyFile {
  return new PolicyFile(text(path, 'policyFile.path'), clock)
}

function firstContent(path: string): string {
  try {
    return boundedContent(path)
  } catch (cause) {
    throw new MeshError('MESH_ERR_OPTION', `${path}: ${(cause as Error).message}`, { cause })
  }
}

/** Bounded by what is read and not by what the file says of itself: a device or a pipe says nothing. */
function boundedContent(path: string): string {
  const file = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(MAX_BYTES + 1)
    let length = 0
    for (let read = -1; read !== 0 && length < bytes.length; length += read) read = readSync(file, bytes, length, bytes.length - length, null)
    if (length > MAX_BYTES) throw new Error(`expected at most ${MAX_BYTES} bytes, got more`)
    return bytes.toString('utf8', 0, length)
  } finally {
    closeSync(file)
  }
}

function parse(path: string, content: string): AccessPolicy {
  try {
    // A member that stands twice could be the prohibition that the other hides.
    return parseStrictJson(Buffer.from(content)) as AccessPolicy
  } catch (cause) {
    throw new MeshError('MESH_ERR_OPTION', `${path}: expected a policy as JSON, ${(cause as Error).message}`, { cause })
  }
}
