import { execFileSync, spawnSync } from 'node:child_process'
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, onTestFinished } from 'vitest'
import type { TlsOptions } from '../../src/index.js'

const INSTALLED = spawnSync('openssl', ['version']).error === undefined

/** Tests with certificates that the machine's own openssl makes: left out where there is none, but never in CI. */
export const describeWithOpenssl = describe.skipIf(!INSTALLED && process.env['CI'] === undefined)

export const TRUST_DOMAIN = 'mesh.test'

export interface Identity {
  /** Certificates, the own one first, PEM. */
  readonly cert: string
  readonly key: string
}

/** What a certificate says; what is left out makes it a good one for a workload. */
export interface CertificateOptions {
  readonly uris?: readonly string[]
  /** As openssl writes it, empty for none. */
  readonly keyUsage?: string
  readonly extendedKeyUsage?: string
  readonly isAuthority?: boolean
  /** Days from now on; -1 for one that has expired. */
  readonly days?: number
}

const WORKLOAD = { keyUsage: 'critical,digitalSignature', extendedKeyUsage: 'serverAuth,clientAuth', isAuthority: false, days: 2 }
const AUTHORITY = { uris: [], keyUsage: 'critical,keyCertSign,cRLSign', extendedKeyUsage: '', isAuthority: true, days: 2 }

/** An authority of its own key, or one that another has made. */
export class Authority {
  /** Its certificate, PEM. */
  readonly pem: string
  readonly #key: string
  /** What stands between what it signs and what is trusted, PEM. */
  readonly #chain: string

  private constructor({ cert, key }: Identity, isRoot: boolean) {
    this.pem = cert
    this.#key = key
    this.#chain = isRoot ? '' : cert
  }

  /** One that has signed itself. */
  static create(name = 'authority'): Authority {
    const key = newKey()
    const extensions = ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign']
    const config = '[req]\ndistinguished_name=name\n[name]\n'
    const cert = openssl({ config, key }, 'req', '-x509', '-key', 'key', '-days', '2', '-subj', `/CN=${name}`, '-config', 'config', ...extensions)
    return new Authority({ cert, key }, true)
  }

  /** The certificate of a service of the trust domain. */
  workload(service: string, options: CertificateOptions = {}): Identity {
    return this.sign({ uris: [`spiffe://${TRUST_DOMAIN}/${service}`], ...options })
  }

  /** An authority below this one. */
  below(options: CertificateOptions = {}): Authority {
    return new Authority(this.sign({ ...AUTHORITY, ...options }), false)
  }

  sign(options: CertificateOptions): Identity {
    const { uris = [], keyUsage, extendedKeyUsage, isAuthority, days } = { ...WORKLOAD, ...options }
    const key = newKey()
    const extensions = [
      `basicConstraints=critical,CA:${isAuthority ? 'TRUE' : 'FALSE'}`,
      ...(keyUsage === '' ? [] : [`keyUsage=${keyUsage}`]),
      ...(extendedKeyUsage === '' ? [] : [`extendedKeyUsage=${extendedKeyUsage}`]),
      ...(uris.length === 0 ? [] : [`subjectAltName=${uris.map((uri) => `URI:${uri}`).join(',')}`]),
    ].join('\n')
    const files = { own: publicKeyOf(key), key: this.#key, ca: this.pem, extensions }
    const signing = ['-CA', 'ca', '-CAkey', 'key', '-days', String(days), '-extfile', 'extensions']
    return { cert: openssl(files, 'x509', '-new', '-force_pubkey', 'own', '-subj', '/CN=workload', ...signing) + this.#chain, key }
  }
}

/** The three files of one process, which a test replaces as an agent would. */
export class IdentityFiles {
  readonly options: TlsOptions
  readonly #folder = mkdtempSync(join(tmpdir(), 'identity-'))

  constructor(identity: Identity, authorities: readonly Authority[], more: Partial<TlsOptions> = {}) {
    onTestFinished(() => rmSync(this.#folder, { recursive: true }))
    const path = (name: string): string => join(this.#folder, name)
    this.options = { cert: path('cert.pem'), key: path('key.pem'), ca: path('ca.pem'), trustDomain: TRUST_DOMAIN, ...more }
    this.show(identity)
    this.trust(...authorities)
  }

  show({ cert, key }: Identity): void {
    this.#replace(this.options.cert, cert)
    this.#replace(this.options.key, key)
  }

  trust(...authorities: readonly Authority[]): void {
    this.#replace(this.options.ca, authorities.map(({ pem }) => pem).join(''))
  }

  #replace(path: string, content: string): void {
    writeFileSync(`${path}.new`, content)
    renameSync(`${path}.new`, path)
  }
}

function newKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
}

function publicKeyOf(key: string): string {
  return createPublicKey(key).export({ type: 'spki', format: 'pem' }) as string
}

/** What it writes, given these files. */
function openssl(files: Readonly<Record<string, string>>, ...args: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'certificates-'))
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
    return execFileSync('openssl', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' })
  } finally {
    rmSync(folder, { recursive: true })
  }
}
