import { randomBytes } from 'node:crypto'
import { parseStrictJson } from '../../auth/strict-json.js'
import { signingKey } from '../../auth/signing-key.js'
import { MeshError } from '../../base/errors.js'
import type { KeyRing, RingKey } from './key-ring.js'
import { readPrivateFile, writePrivateFile } from './private-file.js'

/** What has to outlive the process, if its tokens are to be good after it. */
export interface IssuerState {
  /** The secret of services that were given none. */
  readonly clientSecret: string
  readonly ring: KeyRing
  save(ring: KeyRing): void
}

const VERSION = 1
const MAX_BYTES = 64 * 1024
const MAX_KEYS = 16

/** State that ends with the process. */
export function passingState(): IssuerState {
  return { clientSecret: randomBytes(24).toString('base64url'), ring: [], save() {} }
}

/**
 * State in a file of mode 0600. One that others may read, that is damaged, or that another process has written meanwhile, is an
 * error and never a reason to begin anew. Throws `MESH_ERR_STATE`.
 */
export function stateIn(path: string): IssuerState {
  let last = orStateError(path, () => readPrivateFile(path, MAX_BYTES))
  const { clientSecret, ring } = last === undefined ? passingState() : orStateError(path, () => stateOf(last!))
  return {
    clientSecret,
    ring,
    save: (next) =>
      orStateError(path, () => {
        if (readPrivateFile(path, MAX_BYTES) !== last) throw new Error('another process has changed it; each control plane needs a file of its own')
        const content = `${JSON.stringify({ version: VERSION, clientSecret, keys: next.map(written) }, null, 2)}\n`
        writePrivateFile(path, content)
        last = content
      }),
  }
}

function written({ privateKey, signsAt }: RingKey): object {
  return { signsAt, privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }) }
}

/** No reason that this gives repeats anything of the file. */
function stateOf(content: string): Pick<IssuerState, 'clientSecret' | 'ring'> {
  const { version, clientSecret, keys } = objectOf(parsed(content))
  if (version !== VERSION) throw new Error(`it is not of version ${VERSION}, but of another one of this package, or no such file at all`)
  if (typeof clientSecret !== 'string' || clientSecret === '') throw new Error('it holds no clientSecret')
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > MAX_KEYS) throw new Error(`it does not hold 1 to ${MAX_KEYS} keys`)
  const ring = keys.map(ringKey)
  if (ring.some(({ signsAt }, i) => i > 0 && signsAt <= ring[i - 1]!.signsAt)) throw new Error('its keys are out of order')
  return { clientSecret, ring }
}

function ringKey(value: unknown, i: number): RingKey {
  const { signsAt, privateKey } = objectOf(value)
  if (typeof signsAt !== 'number' || !Number.isSafeInteger(signsAt)) throw new Error(`keys[${i}].signsAt is not a time`)
  return { signsAt, privateKey: signingKey(privateKey, `keys[${i}].privateKey`) }
}

function parsed(content: string): unknown {
  try {
    return parseStrictJson(Buffer.from(content))
  } catch {
    // The parser's own message would quote the file.
    throw new Error('it is not JSON')
  }
}

function objectOf(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new Error('it is not JSON of the right shape')
}

function orStateError<T>(path: string, task: () => T): T {
  try {
    return task()
  } catch (cause) {
    const advice = 'Put it right or restore it; removing it begins anew, with other keys and another secret'
    throw new MeshError('MESH_ERR_STATE', `The state file ${path} cannot be used: ${(cause as Error).message}. ${advice}`, { cause })
  }
}
