import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pool } from 'undici'
import type { Address, Rule } from '../rule.js'
import { requestThrough } from './pools.js'

/**
 * HAProxy with `leastconn` as a sidecar: a process of its own beside each caller, on a Unix socket. It connects again and
 * elsewhere when a connection fails, as it does unless told otherwise, and asks for every server's health, more often than
 * its default of 2 s.
 */
export const haproxy: Rule = {
  about: 'HAProxy leastconn, a process beside each caller; tries again elsewhere what could not be connected',
  hears: 'by health checks each 200 ms, two of which must fail',
  missing: () => (commandOf() === undefined ? 'haproxy is not installed: on Debian and Ubuntu it is in the package haproxy' : undefined),
  async open({ servers, callers, timeoutMs }) {
    const folder = await mkdtemp(join(tmpdir(), 'sidecarless-bench-'))
    const processes: ChildProcess[] = []
    // Whatever ends this process must not leave one of them behind.
    const abandon = (): void => {
      for (const child of processes) child.kill('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    }
    process.once('exit', abandon)
    const sidecars = Array.from({ length: callers }, (_, caller) => join(folder, `caller-${caller}`))
    await Promise.all(sidecars.map((path) => startSidecar(path, servers, timeoutMs, processes)))
    const pools = sidecars.map((path) => new Pool('http://work', { socketPath: `${path}.sock` }))
    return {
      callers: pools.map((pool) => ({ send: (workMs) => requestThrough(pool, 'http://work', workMs, timeoutMs + 100) })),
      async close() {
        await Promise.all(pools.map((pool) => pool.destroy()))
        await Promise.all(processes.map((process) => end(process)))
        abandon()
        process.off('exit', abandon)
      },
    }
  },
}

// Debian keeps it where only an administrator's PATH looks.
const COMMANDS = ['haproxy', '/usr/sbin/haproxy']

function commandOf(): string | undefined {
  return COMMANDS.find((command) => spawnSync(command, ['-v']).status === 0)
}

function configurationOf(socket: string, servers: readonly Address[], timeoutMs: number): string {
  return `global
  nbthread 1
defaults
  mode http
  timeout connect 1000
  timeout client 60000
  timeout queue ${timeoutMs}
  timeout server ${timeoutMs}
  retries 3
  option redispatch 1
frontend caller
  bind unix@${socket}
  default_backend work
backend work
  balance leastconn
  option httpchk GET /healthz
  timeout check 200
  default-server check inter 200 fall 2 rise 1
${servers.map(({ port }, i) => `  server s${i} 127.0.0.1:${port}`).join('\n')}
`
}

async function startSidecar(path: string, servers: readonly Address[], timeoutMs: number, processes: ChildProcess[]): Promise<void> {
  await writeFile(`${path}.cfg`, configurationOf(`${path}.sock`, servers, timeoutMs))
  const child = spawn(commandOf()!, ['-db', '-q', '-f', `${path}.cfg`], { stdio: ['ignore', 'ignore', 'ignore'] })
  processes.push(child)
  while (!(await accepts(`${path}.sock`))) {
    if (child.exitCode !== null) throw new Error(`haproxy ended with ${child.exitCode}; see haproxy -c -f ${path}.cfg`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function accepts(path: string): Promise<boolean> {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}
