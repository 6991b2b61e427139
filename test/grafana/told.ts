/** What one instance of `orders`, which calls `users` and is called itself, tells Prometheus after so many seconds at ten calls a second. */
export function told(seconds: number): string {
  const calls = 10 * seconds
  const to = 'server_address="users"'
  const at = `${to},mesh_endpoint_id="users-1",network_peer_address="127.0.0.1:8081"`
  const states = { closed: 1, 'half-open': 0, open: 0 }
  const lines = [
    'target_info{service_name="orders"} 1',
    ...histogram('http_client_request_duration_seconds', `http_request_method="GET",${to},server_port="80",http_response_status_code="200"`, 0.9 * calls),
    ...histogram('http_client_request_duration_seconds', `http_request_method="GET",${to},server_port="80",http_response_status_code="503",error_type="503"`, 0.1 * calls),
    ...histogram('http_server_request_duration_seconds', 'http_request_method="GET",url_scheme="http",http_response_status_code="200",http_route="/orders/:id"', calls),
    `mesh_calls_total{${to},mesh_outcome="success"} ${0.95 * calls}`,
    `mesh_calls_total{${to},mesh_outcome="failure",error_type="503"} ${0.05 * calls}`,
    `mesh_retries_total{${to}} ${0.05 * calls}`,
    `mesh_retries_denied_total{${to}} ${0.01 * calls}`,
    `mesh_hedges_total{${to},mesh_hedge_won="true"} ${0.01 * calls}`,
    `mesh_fallbacks_total{${to}} ${0.01 * calls}`,
    `mesh_ejections_total{${to},mesh_ejection_reason="failures"} 1`,
    `mesh_registry_errors_total{${to}} 1`,
    `mesh_calls_in_flight{${to}} 3`,
    `mesh_calls_waiting{${to}} 0`,
    `mesh_calls_limit{${to}} 100`,
    `mesh_throttled_ratio{${to}} 0`,
    ...Object.entries(states).map(([state, value]) => `mesh_breaker_state{${to},mesh_breaker_state="${state}"} ${value}`),
    `mesh_endpoints{${to},mesh_endpoint_state="ready"} 3`,
    `mesh_registry_age_seconds{${to}} 2.5`,
    `mesh_endpoint_latency_seconds{${at}} 0.002`,
    `mesh_endpoint_cost_seconds{${at}} 0.004`,
    `mesh_endpoint_success_ratio{${at}} 1`,
    `mesh_requests_total{mesh_peer_service="edge",http_response_status_code="200"} ${calls}`,
    `mesh_denials_total{error_type="MESH_ERR_FORBIDDEN",http_response_status_code="403",mesh_peer_principal="spiffe://mesh/edge"} ${seconds}`,
    `mesh_sheds_total{mesh_priority="normal"} 1`,
    'mesh_spills_total 1',
    'mesh_requests_in_flight 2',
    'mesh_identity_errors_total 0',
    'mesh_tls_errors_total 0',
    `mesh_tls_certificate_expiration_seconds ${Math.round(Date.now() / 1_000) + 3_600}`,
    'mesh_draining 0',
  ]
  return `${lines.join('\n')}\n`
}

function histogram(name: string, labels: string, count: number): string[] {
  const buckets = [['0.005', 0.5], ['0.1', 0.99], ['+Inf', 1]] as const
  return [...buckets.map(([le, share]) => `${name}_bucket{${labels},le="${le}"} ${share * count}`), `${name}_sum{${labels}} ${0.01 * count}`, `${name}_count{${labels}} ${count}`]
}
