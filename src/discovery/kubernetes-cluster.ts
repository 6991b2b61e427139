import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { MeshError } from '../base/errors.js'
import { optionError, type Reader } from '../base/validate.js'

/** Where an API server is, which part of the cluster is looked at, and who asks. */
export interface Cluster {
  /** Base URL without a slash at its end. */
  readonly url: string
  readonly namespace: string
  /** Undefined: asks without a token. */
  readonly tokenFile: string | undefined
  /** Undefined: trusts whom Node trusts. */
  readonly caFile: string | undefined
}

export interface ClusterOptions {
  readonly url?: string | undefined
  readonly namespace?: string | undefined
  readonly serviceAccountDir?: string | undefined
  readonly tokenFile?: string | undefined
  readonly caFile?: string | undefined
}

const SERVICE_ACCOUNT_DIR = '/var/run/secrets/kubernetes.io/serviceaccount'

/** A DNS label, which may begin with a digit (RFC 1123 §2.1). */
export const namespaceName: Reader<string> = (value, path) => {
  if (typeof value === 'string' && /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(value)) return value
  throw optionError(path, 'a namespace: lower-case letters, digits and hyphens, at most 63 characters', value)
}

/**
 * Finds the cluster as a pod sees it
 * ({@link https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/#directly-accessing-the-rest-api}), unless a
 * URL is given: then nothing is assumed but the namespace `default`. Throws `MESH_ERR_OPTION`.
 */
export function findCluster(given: ClusterOptions): Cluster {
  const url = given.url ?? urlInPod()
  const dir = given.serviceAccountDir ?? (given.url === undefined ? SERVICE_ACCOUNT_DIR : undefined)
  return {
    url: url.replace(/\/$/, ''),
    namespace: given.namespace ?? (dir === undefined ? 'default' : namespaceIn(dir)),
    tokenFile: given.tokenFile ?? (dir && join(dir, 'token')),
    caFile: given.caFile ?? (dir && join(dir, 'ca.crt')),
  }
}

function urlInPod(): string {
  const host = process.env['KUBERNETES_SERVICE_HOST']
  if (!host) {
    const expected = 'the URL of an API server, since this process runs in no pod (KUBERNETES_SERVICE_HOST is not set)'
    throw optionError('kubernetes.url', expected, undefined)
  }
  const port = process.env['KUBERNETES_SERVICE_PORT_HTTPS'] || process.env['KUBERNETES_SERVICE_PORT'] || '443'
  return `https://${host.includes(':') ? `[${host}]` : host}:${port}`
}

function namespaceIn(dir: string): string {
  const path = join(dir, 'namespace')
  try {
    return namespaceName(readFileSync(path, 'utf8').trim(), path)
  } catch (cause) {
    const message = `kubernetes.namespace: expected a namespace, since none could be read: ${(cause as Error).message}`
    throw new MeshError('MESH_ERR_OPTION', message, { cause })
  }
}
