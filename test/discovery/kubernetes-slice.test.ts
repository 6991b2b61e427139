import { describe, expect, it } from 'vitest'
import { readSlice } from '../../src/discovery/kubernetes-slice.js'
import { readEndpoints } from '../../src/discovery/endpoint-reader.js'
import { podEndpoint, usersSlice } from '../support/kubernetes-api/slice.js'

/** What the resolver makes of a slice with these endpoints. */
function read(endpoints: readonly unknown[], different: object = {}, port?: string | number) {
  return readEndpoints(readSlice(usersSlice('users-1', endpoints, different), port).endpoints, 'endpoints')
}

const portsOf = (ports: unknown, wanted?: string | number): unknown =>
  read([podEndpoint('a', '10.0.0.1')], { ports }, wanted).endpoints[0]?.port

describe('an EndpointSlice', () => {
  it('is put into our words', () => {
    const hints = { forZones: [{ name: 'zone-a' }, { name: 'zone-b' }] }
    expect(read([podEndpoint('users-7d4b9', '10.0.0.1', { hints })])).toMatchObject({
      endpoints: [
        {
          id: 'users-7d4b9',
          host: '10.0.0.1',
          port: 8080,
          weight: 1,
          status: 'ready',
          zone: 'zone-a',
          metadata: { nodeName: 'node-1', forZones: 'zone-a,zone-b' },
        },
      ],
      refused: [],
    })
  })

  it('is near to the callers of the zone that it is hinted for, if that is one other alone', () => {
    const zoneFor = (...names: string[]): unknown =>
      read([podEndpoint('a', '10.0.0.1', { zone: 'zone-a', hints: { forZones: names.map((name) => ({ name })) } })]).endpoints[0]?.zone
    expect([zoneFor('zone-b'), zoneFor('zone-a'), zoneFor('zone-b', 'zone-c'), zoneFor()]).toEqual(['zone-b', 'zone-a', 'zone-a', 'zone-a'])
  })

  it('names an endpoint without a pod by its address, and needs no more than an address', () => {
    const ofNode = { addresses: ['10.0.0.2'], targetRef: { kind: 'Node', name: 'n' } }
    const { endpoints } = read([{ addresses: ['10.0.0.1', '10.9.9.9'] }, ofNode])
    expect(endpoints).toMatchObject([
      { id: '10.0.0.1:8080', host: '10.0.0.1', port: 8080, weight: 1, status: 'ready', zone: undefined, metadata: {} },
      { id: '10.0.0.2:8080' },
    ])
  })

  it.each([
    [{}, 'ready'],
    [undefined, 'ready'],
    [null, 'ready'],
    [{ ready: null, serving: null, terminating: null }, 'ready'],
    [{ ready: true, serving: true, terminating: false }, 'ready'],
    [{ ready: true }, 'ready'],
    // A service that publishes addresses which are not ready.
    [{ ready: true, serving: false, terminating: false }, 'ready'],
    [{ ready: false }, 'left out'],
    [{ ready: false, serving: false, terminating: false }, 'left out'],
    [{ ready: false, serving: true, terminating: true }, 'draining'],
    [{ ready: false, terminating: true }, 'draining'],
    [{ ready: true, serving: true, terminating: true }, 'draining'],
    [{ ready: false, serving: false, terminating: true }, 'left out'],
  ])('reads the conditions %j as %s', (conditions, status) => {
    const { endpoints, refused } = read([podEndpoint('a', '10.0.0.1', { conditions })])
    expect([endpoints[0]?.status ?? 'left out', refused]).toEqual([status, []])
  })

  it('has the only port that speaks TCP, whatever its name', () => {
    expect(portsOf([{ name: '', port: 3000 }])).toBe(3000)
    expect(portsOf([{ name: 'dns', protocol: 'UDP', port: 53 }, { name: 'web', protocol: 'TCP', port: 3000 }])).toBe(3000)
  })

  it('speaks TLS if the application protocol of its port is https', () => {
    const schemeOf = (ports: unknown, wanted?: string | number): unknown => read([podEndpoint('a', '10.0.0.1')], { ports }, wanted).endpoints[0]?.metadata['scheme']
    const both = [{ name: 'http', port: 8080, appProtocol: 'http' }, { name: 'web', port: 8443, appProtocol: 'https' }]
    expect([schemeOf(both, 'web'), schemeOf(both, 8443)]).toEqual(['https', 'https'])
    expect([schemeOf(both), schemeOf(both, 9000), schemeOf([{ port: 1, appProtocol: null }])]).toEqual([undefined, undefined, undefined])
  })

  it('has the port named http among several, unless another is wanted', () => {
    const ports = [{ name: 'metrics', port: 9090 }, { name: 'http', port: 8081 }]
    expect([portsOf(ports), portsOf(ports, 'metrics'), portsOf(ports, 7000)]).toEqual([8081, 9090, 7000])
    expect(portsOf([{ name: 'http', protocol: 'UDP', port: 1 }, { name: 'http', port: 2 }, { name: 'x', port: 3 }])).toBe(2)
  })

  it.each([
    ['several ports and none of them http', [{ name: 'a', port: 1 }, { name: 'b', port: 2 }], undefined],
    ['no port of the name wanted', [{ name: 'a', port: 1 }], 'b'],
    ['any port at all', [{ name: 'http', port: null }], undefined],
    ['no ports', null, undefined],
  ])('R04 refuses and counts the endpoints of a slice with %s', (_, ports, wanted) => {
    const { endpoints, refused } = read([podEndpoint('a', '10.0.0.1'), podEndpoint('b', '10.0.0.2')], { ports }, wanted)
    expect([endpoints, refused.length]).toEqual([[], 2])
    expect(refused[0]).toMatch(/^endpoints\[0\]\.port: expected a whole number from 1 to 65535, got /)
  })

  it('may be without endpoints, which servers write as null', () => {
    expect(read(null as unknown as [], { ports: null })).toEqual({ endpoints: [], refused: [] })
    expect(readSlice({ metadata: { name: 'users-1' }, addressType: 'IPv4' }, undefined).endpoints).toEqual([])
  })

  it('of host names, or of a type that nobody knows yet, has no endpoints', () => {
    for (const addressType of ['FQDN', 'IPv8']) {
      expect(read([{ addresses: ['users.example.com'] }], { addressType })).toEqual({ endpoints: [], refused: [] })
    }
  })

  it('R04 R13 has malformed endpoints refused one by one, and the others served', () => {
    const { endpoints, refused } = read([
      podEndpoint('good', '10.0.0.1'),
      null,
      'users',
      podEndpoint('no address', '', { addresses: [] }),
      podEndpoint('null address', '', { addresses: null }),
      podEndpoint('number', '', { addresses: [10] }),
      podEndpoint('condition', '10.0.0.2', { conditions: { ready: 'yes' } }),
      podEndpoint('conditions', '10.0.0.3', { conditions: 'ready' }),
      podEndpoint('zone', '10.0.0.4', { zone: 5 }),
      podEndpoint('', '10.0.0.5', { targetRef: { kind: 'Pod', name: 7 } }),
      podEndpoint('hints', '10.0.0.6', { hints: { forZones: [null, { name: 3 }] }, nodeName: 9, targetRef: 'x' }),
    ])
    expect(endpoints.map(({ id, metadata }) => [id, metadata])).toEqual([
      ['good', { nodeName: 'node-1' }],
      ['10.0.0.6:8080', {}],
    ])
    expect(refused).toHaveLength(9)
    expect(refused).toContain(`endpoints[6].status: expected one of 'ready', 'draining', got {"conditions":{"ready":"yes"}}`)
  })

  it.each([
    ['null', null, 'metadata.name: expected a name, got undefined'],
    ['a text', 'users', 'metadata.name: expected a name, got undefined'],
    ['one without a name', { metadata: null, addressType: 'IPv4' }, 'metadata.name: expected a name, got undefined'],
    ['one without an address type', { metadata: { name: 'u' } }, 'u: addressType: expected an address type, got undefined'],
    ['endpoints that are no list', usersSlice('u', [], { endpoints: {} }), 'u: endpoints: expected a list, got object'],
    ['ports that are no list', usersSlice('u', [], { ports: 80 }), 'u: ports: expected a list, got number'],
  ])('R04 is refused as a whole when it is %s', (_, object, message) => {
    expect(() => readSlice(object, undefined)).toThrow(
      expect.objectContaining({ code: 'MESH_ERR_SNAPSHOT', message: `An EndpointSlice is malformed: ${message}` }),
    )
  })
})
