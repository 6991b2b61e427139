/** What `GET /` answers: what is served here, for a person with a terminal or a browser. */
export const indexText = `sidecarless control plane: for one machine, loopback only
In a browser, this address shows who calls whom, how well, and why a request went where it went.

Registry, in Consul's HTTP API (https://developer.hashicorp.com/consul/api-docs)
  PUT  /v1/agent/service/register                     an instance joins
  PUT  /v1/agent/service/deregister/:id               an instance leaves
  PUT  /v1/agent/service/maintenance/:id?enable=      an instance takes a break
  PUT  /v1/agent/check/{pass,warn,fail,update}/:id    an instance says how it is
  GET  /v1/agent/{services,checks,self}  /v1/agent/service/:id
  GET  /v1/health/service/:name  /v1/health/checks/:name  /v1/health/state/:state
  GET  /v1/catalog/{services,nodes,datacenters}  /v1/catalog/service/:name
  GET  /v1/status/{leader,peers}
  GET  /prometheus/targets                            every instance, for http_sd_configs

Identity, by OAuth 2.0
  POST /oauth2/token                                  client_credentials, audience=<called service>
  GET  /.well-known/openid-configuration  /.well-known/oauth-authorization-server
  GET  /.well-known/jwks.json

Monitoring, by OTLP/HTTP in protobuf or JSON
  POST /v1/traces  /v1/metrics
  GET  /api/{services,edges}?windowSec=               who there is, who calls whom, and how well
  GET  /api/instances?service=&windowSec=             each instance, and why its callers pick it
  GET  /api/denials?service=&windowSec=&limit=        who was turned away, and why
  GET  /api/traces?service=&failed=&minMs=&windowSec=&limit=  /api/traces/:traceId
  GET  /api/tap?service=&caller=&failed=              attempts and requests as they end, as server-sent events
  GET  /api/series?service=&metric=  /api/memory
`
