import { describe, expect, it } from 'vitest'
import { isInstalled, run } from '../outside.js'
import { running } from '../running.js'

const PYTHON = '/usr/bin/python3'

const SCRIPT = `
import json, sys, threading, time
import consul

c = consul.Consul(host='127.0.0.1', port=int(sys.argv[1]))
said = {}
said['registered'] = c.agent.service.register(
    'users', service_id='users-1', address='127.0.0.1', port=8081, tags=['v1'], check=consul.Check.ttl('10s'))
index, nodes = c.health.service('users', passing=True)
said['before'] = [n['Service']['ID'] for n in nodes]

later = threading.Timer(0.2, lambda: consul.Consul(port=int(sys.argv[1])).agent.check.ttl_pass('service:users-1', 'good'))
later.start()
index, nodes = c.health.service('users', passing=True, index=index, wait='20s')
said['woken'] = [n['Service']['ID'] for n in nodes]
later.join()

said['checks'] = [(k['CheckID'], k['Status'], k['Output']) for k in c.health.checks('users')[1]]
said['services'] = c.catalog.services()[1]
said['port'] = c.catalog.service('users')[1][0]['ServicePort']
c.agent.service.maintenance('users-1', 'true', 'oil')
said['maintained'] = c.health.service('users', passing=True)[1]
c.agent.service.maintenance('users-1', 'false')
said['warned'] = c.agent.check.ttl_warn('service:users-1')
said['leader'] = c.status.leader()
said['datacenters'] = c.catalog.datacenters()
said['deregistered'] = c.agent.service.deregister('users-1')
said['after'] = c.agent.services()
print(json.dumps(said))
`

const hasClient = isInstalled('python3-consul', PYTHON, ['-c', 'import consul'])

describe("Debian's python3-consul", () => {
  it.skipIf(!hasClient)('registers, is woken, maintains and takes out', async () => {
    const { controlPlane } = await running()
    const { code, stdout, stderr } = await run(PYTHON, ['-c', SCRIPT, String(controlPlane.port)])
    expect(code, stderr).toBe(0)
    expect(JSON.parse(stdout)).toEqual({
      registered: true,
      before: [],
      woken: ['users-1'],
      checks: [['service:users-1', 'passing', 'good']],
      services: { users: ['v1'] },
      port: 8081,
      maintained: [],
      warned: true,
      leader: `127.0.0.1:${controlPlane.port}`,
      datacenters: ['dc1'],
      deregistered: true,
      after: {},
    })
  })
})
