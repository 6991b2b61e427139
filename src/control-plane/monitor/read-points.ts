import { Malformed, milliseconds, nanoseconds, objectsIn } from './otlp.js'
import { readAttributes, readEach, serviceOf, textOr, type Batch, type JsonObject } from './otlp.js'
import type { Attributes } from './span.js'

/** What a point says: one number, or the shape of many. */
export type PointValue = number | Distribution

export interface Distribution {
  readonly count: number
  readonly sum: number
  /** How many lie in each bucket; empty when the sender keeps none. */
  readonly buckets: readonly number[]
  /** Upper bounds of all buckets but the last. */
  readonly bounds: readonly number[]
}

/** One measurement of one metric. */
export interface Point {
  readonly service: string
  readonly metric: string
  readonly unit: string
  readonly attributes: Attributes
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  readonly value: PointValue
}

const MAX_BUCKETS = 500

/** Reads an ExportMetricsServiceRequest in its JSON form. */
export function readPoints(request: JsonObject): Batch<Point> {
  return readEach(pointsIn(request))
}

function* pointsIn(request: JsonObject): Iterable<() => Point> {
  for (const { resource, scopeMetrics } of objectsIn(request['resourceMetrics'])) {
    const service = serviceOf(resource)
    for (const metric of objectsIn(scopeMetrics).flatMap(({ metrics }) => objectsIn(metrics))) {
      for (const point of dataPoints(metric['gauge'], metric['sum'])) yield () => readPoint(point, metric, service, numberIn)
      const distributions = dataPoints(metric['histogram'], metric['exponentialHistogram'], metric['summary'])
      for (const point of distributions) yield () => readPoint(point, metric, service, distributionIn)
    }
  }
}

function dataPoints(...data: readonly unknown[]): readonly JsonObject[] {
  return objectsIn(data).flatMap(({ dataPoints: points }) => objectsIn(points))
}

function readPoint(point: JsonObject, { name, unit }: JsonObject, service: string, readValue: (point: JsonObject) => PointValue): Point {
  if (typeof name !== 'string' || name === '') throw new Malformed('a metric has no name')
  return {
    service,
    metric: name,
    unit: textOr(unit, ''),
    attributes: readAttributes(point['attributes']),
    at: milliseconds(nanoseconds(point['timeUnixNano'], 'timeUnixNano')),
    value: readValue(point),
  }
}

function numberIn({ asDouble, asInt }: JsonObject): number {
  return finite(asDouble ?? asInt)
}

/** A field that is absent is zero, as everywhere in proto3. */
function distributionIn({ count, sum, bucketCounts, explicitBounds }: JsonObject): Distribution {
  return { count: finite(count ?? 0), sum: finite(sum ?? 0), buckets: numbers(bucketCounts), bounds: numbers(explicitBounds) }
}

function numbers(value: unknown): readonly number[] {
  if (!Array.isArray(value)) return []
  if (value.length > MAX_BUCKETS) throw new Malformed(`a point has over ${MAX_BUCKETS} buckets`)
  return value.map(finite)
}

/** 64-bit numbers come as text. */
function finite(value: unknown): number {
  const number = typeof value === 'string' ? Number(value || NaN) : value
  if (typeof number !== 'number' || !Number.isFinite(number)) throw new Malformed('a point has no finite value')
  return number
}
