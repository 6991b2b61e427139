import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { findCluster } from '../../src/discovery/kubernetes-cluster.js'
import { kubernetes, type KubernetesOptions } from '../../src/discovery/kubernetes.js'

let serviceAccountDir: string
beforeEach(() => {
  serviceAccountDir = mkdtempSync(join(tmpdir(), 'account-'))
  writeFileSync(join(serviceAccountDir, 'namespace'), 'shop\n')
  for (const name of ['HOST', 'PORT', 'PORT_HTTPS']) vi.stubEnv(`KUBERNETES_SERVICE_${name}`, '')
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(serviceAccountDir, { recursive: true })
})

const optionError = (message: unknown): unknown => expect.objectContaining({ code: 'MESH_ERR_OPTION', message })

describe('the cluster', () => {
  it('is found in a pod without any options', () => {
    vi.stubEnv('KUBERNETES_SERVICE_HOST', '10.96.0.1')
    vi.stubEnv('KUBERNETES_SERVICE_PORT', '6443')
    expect(findCluster({ serviceAccountDir })).toEqual({
      url: 'https://10.96.0.1:6443',
      namespace: 'shop',
      tokenFile: join(serviceAccountDir, 'token'),
      caFile: join(serviceAccountDir, 'ca.crt'),
    })
  })

  it('may have an IPv6 address and a port of its own for TLS', () => {
    vi.stubEnv('KUBERNETES_SERVICE_HOST', 'fd00::1')
    expect(findCluster({ serviceAccountDir }).url).toBe('https://[fd00::1]:443')
    vi.stubEnv('KUBERNETES_SERVICE_PORT', '80')
    vi.stubEnv('KUBERNETES_SERVICE_PORT_HTTPS', '8443')
    expect(findCluster({ serviceAccountDir }).url).toBe('https://[fd00::1]:8443')
  })

  it('is what the options say, each for itself', () => {
    vi.stubEnv('KUBERNETES_SERVICE_HOST', '10.96.0.1')
    const options = { url: 'https://api.test/', namespace: '2nd', tokenFile: '/t', caFile: '/c' }
    expect(findCluster({ ...options, serviceAccountDir })).toEqual({ ...options, url: 'https://api.test' })
    expect(findCluster({ serviceAccountDir, namespace: 'other' }).namespace).toBe('other')
  })

  it('is asked without a token where a URL and nothing else is given', () => {
    const cluster = { url: 'http://127.0.0.1:8001', namespace: 'default', tokenFile: undefined, caFile: undefined }
    expect(findCluster({ url: 'http://127.0.0.1:8001' })).toEqual(cluster)
  })

  it('is missed outside a pod, and so is the namespace of an account without one', () => {
    const noPod = 'kubernetes.url: expected the URL of an API server, since this process runs in no pod'
    const noName = /^kubernetes\.namespace: expected a namespace.*namespace/
    expect(() => kubernetes()).toThrow(optionError(expect.stringContaining(noPod)))
    vi.stubEnv('KUBERNETES_SERVICE_HOST', '10.96.0.1')
    for (const broken of ['Not a namespace', undefined]) {
      if (broken === undefined) rmSync(join(serviceAccountDir, 'namespace'))
      else writeFileSync(join(serviceAccountDir, 'namespace'), broken)
      expect(() => kubernetes({ serviceAccountDir })).toThrow(optionError(expect.stringMatching(noName)))
    }
  })

  it.each<[unknown, string]>([
    [{ url: 'ftp://x' }, 'kubernetes.url: expected an http:// or https:// URL'],
    [{ url: 'http://x', namespace: 'Shop' }, 'kubernetes.namespace: expected a namespace'],
    [{ url: 'http://x', namespace: '../x' }, 'kubernetes.namespace: expected a namespace'],
    [{ url: 'http://x', tokenFile: '' }, 'kubernetes.tokenFile: expected a non-empty string'],
    [{ url: 'http://x', caFile: 5 }, 'kubernetes.caFile: expected a non-empty string'],
    [{ url: 'http://x', serviceAccountDir: true }, 'kubernetes.serviceAccountDir: expected a non-empty string'],
    [{ url: 'http://x', port: 0 }, 'kubernetes.port: expected a whole number from 1 to 65535, got 0'],
    [{ url: 'http://x', port: 'My Port' }, 'kubernetes.port: expected the name or the number of a port'],
    [{ url: 'http://x', watchMs: 10 }, 'kubernetes.watchMs: expected a whole number from 1000 to 600000, got 10'],
    [{ url: 'http://x', selector: 'a=b' }, 'kubernetes.selector: unknown option'],
  ])('refuses the options %j', (options, message) => {
    expect(() => kubernetes(options as KubernetesOptions)).toThrow(optionError(expect.stringContaining(message)))
  })
})
