import { describe, expect, it } from 'vitest'
import { Node, type Connection } from '../../src/balancer/node.js'
import { settled } from '../support/fake-clock.js'
import { attemptOf, endpointOf, replyOf, scripted } from '../support/scripted.js'

function connections(): { connect: () => Connection; opened: number; closed: number } {
  const log = {
    opened: 0,
    closed: 0,
    connect: () => {
      log.opened++
      return { handle: scripted(replyOf()).handle, close: async () => void log.closed++ }
    },
  }
  return log
}

describe('node', () => {
  it('connects when it is first called, and once', async () => {
    const log = connections()
    const node = new Node(endpointOf('users-1'), log.connect)
    expect(log.opened).toBe(0)
    await node.handle(attemptOf())
    expect(node.handle).toBe(node.handle)
    expect(log.opened).toBe(1)
  })

  it('closes its connections when the last attempt has ended, and not before', async () => {
    const log = connections()
    const node = new Node(endpointOf('users-1'), log.connect)
    void node.handle
    node.begin()
    node.begin()
    const closing = node.close()
    expect(node.state).toBe('draining')
    node.end()
    await settled()
    expect(log.closed).toBe(0)
    node.end()
    await closing
    expect(log.closed).toBe(1)
  })

  it('closes once, however often it is told to', async () => {
    const log = connections()
    const node = new Node(endpointOf('users-1'), log.connect)
    void node.handle
    await Promise.all([node.close(), node.close()])
    await node.close()
    expect(log.closed).toBe(1)
  })

  it('opens no connection only to close it', async () => {
    const log = connections()
    await new Node(endpointOf('users-1'), log.connect).close()
    expect(log).toMatchObject({ opened: 0, closed: 0 })
  })

  it('takes over weight and status and keeps how it is doing', () => {
    const node = new Node(endpointOf('users-1'), connections().connect)
    node.latency.observe(30, 0, 0)
    node.begin()
    node.update(endpointOf('users-1', { weight: 5, status: 'draining' }))
    expect(node).toMatchObject({ weight: 5, state: 'draining', inFlight: 1 })
    expect(node.latency.meanMs).toBe(30)
  })
})
