import type { IncomingHttpHeaders } from 'node:http'
import { Refusal } from './answer.js'

/**
 * Refuses what a page from elsewhere makes a browser on this machine send: loopback keeps other machines out, not the
 * web. A name that an attacker points at 127.0.0.1 shows in `Host`, a page of another site in `Sec-Fetch-Site`.
 */
export function guard(headers: IncomingHttpHeaders): void {
  if (!isLoopback(hostname(headers.host ?? ''))) {
    throw new Refusal(403, `this server answers to loopback names only, not to ${headers.host ?? 'a request without Host'}`)
  }
  const site = headers['sec-fetch-site']
  if (site === 'cross-site' || site === 'same-site') throw new Refusal(403, 'this server does not answer pages of other sites')
}

/** Whether a host name or address can only mean this machine. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)
}

function hostname(host: string): string {
  const url = `http://${host}/`
  return URL.canParse(url) ? new URL(url).hostname.replace(/^\[|\]$/g, '') : ''
}
