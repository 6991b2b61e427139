import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface TestCa {
  /** The authority's own certificate, PEM. */
  readonly ca: string
  /** A server's key and certificate for 127.0.0.1, PEM. */
  readonly key: string
  readonly cert: string
}

/** Makes an authority and a certificate of it with the machine's own openssl. */
export function makeTestCa(): TestCa {
  const dir = mkdtempSync(join(tmpdir(), 'test-ca-'))
  const openssl = (...args: string[]): Buffer => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  try {
    writeFileSync(join(dir, 'extensions'), 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n')
    openssl('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.crt', '-days', '2', '-subj', '/CN=cluster authority')
    openssl('req', ...newKey, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=kube-apiserver')
    const signedBy = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'extensions']
    openssl('x509', '-req', '-in', 'server.csr', '-out', 'server.crt', ...signedBy)
    const read = (name: string): string => readFileSync(join(dir, name), 'utf8')
    return { ca: read('ca.crt'), key: read('server.key'), cert: read('server.crt') }
  } finally {
    rmSync(dir, { recursive: true })
  }
}
