import { createSocket } from 'node:dgram'
import { once } from 'node:events'

/** What a name server says that does not answer the question; `silence` says nothing. */
export type Breakage = 'SERVFAIL' | 'REFUSED' | 'silence'

const CODES = { SERVFAIL: 2, REFUSED: 5 }

/** A name server that answers nothing. */
export class BrokenDns {
  server = ''
  questions = 0
  readonly #socket = createSocket('udp4')

  static async start(breakage: Breakage): Promise<BrokenDns> {
    const dns = new BrokenDns()
    dns.#socket.on('message', (question, { port, address }) => {
      dns.questions++
      if (breakage === 'silence') return
      const answer = Buffer.from(question)
      answer[2]! |= 0x80
      answer[3] = CODES[breakage]
      dns.#socket.send(answer, port, address)
    })
    dns.#socket.bind(0, '127.0.0.1')
    await once(dns.#socket, 'listening')
    dns.server = `127.0.0.1:${dns.#socket.address().port}`
    return dns
  }

  /** As dnsmasq writes the address of a server to ask. */
  get upstream(): string {
    return this.server.replace(':', '#')
  }

  async close(): Promise<void> {
    this.#socket.close()
    await once(this.#socket, 'close')
  }
}
