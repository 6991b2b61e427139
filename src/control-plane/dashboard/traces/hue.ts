/** A hue of its own for each service, the same wherever it stands. FNV-1a, spread over the circle. */
export function hueOf(service: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < service.length; i++) hash = Math.imul(hash ^ service.charCodeAt(i), 0x01000193)
  return ((hash >>> 0) * 137.508) % 360
}
