import { base64, bool, choice, double, doubles, fixed64, fixed64s, hex, int64, many, nanoseconds, one, signedFixed64, string } from './protobuf.js'
import type { Message } from './protobuf.js'

/*
 * What is read of OTLP in its protobuf form: numbers of fields, and their names in the JSON form.
 * Source: https://github.com/open-telemetry/opentelemetry-proto, version 1.
 */

const anyValue: Message = new Map([
  [1, string('stringValue')],
  [2, bool('boolValue')],
  [3, int64('intValue')],
  [4, double('doubleValue')],
  [5, one('arrayValue', () => arrayValue)],
  [6, one('kvlistValue', () => keyValueList)],
  [7, base64('bytesValue')],
])
const arrayValue: Message = new Map([[1, many('values', () => anyValue)]])
const keyValue: Message = new Map([
  [1, string('key')],
  [2, one('value', () => anyValue)],
])
const keyValueList: Message = new Map([[1, many('values', () => keyValue)]])
const resource: Message = new Map([[1, many('attributes', () => keyValue)]])

const status: Message = new Map([
  [2, string('message')],
  [3, choice('code')],
])
const event: Message = new Map([
  [1, nanoseconds('timeUnixNano')],
  [2, string('name')],
  [3, many('attributes', () => keyValue)],
])
const span: Message = new Map([
  [1, hex('traceId')],
  [2, hex('spanId')],
  [4, hex('parentSpanId')],
  [5, string('name')],
  [6, choice('kind')],
  [7, nanoseconds('startTimeUnixNano')],
  [8, nanoseconds('endTimeUnixNano')],
  [9, many('attributes', () => keyValue)],
  [11, many('events', () => event)],
  [15, one('status', () => status)],
])
const scopeSpans: Message = new Map([[2, many('spans', () => span)]])
const resourceSpans: Message = new Map([
  [1, one('resource', () => resource)],
  [2, many('scopeSpans', () => scopeSpans)],
])

/** ExportTraceServiceRequest. */
export const traceRequest: Message = new Map([[1, many('resourceSpans', () => resourceSpans)]])

const numberPoint: Message = new Map([
  [3, nanoseconds('timeUnixNano')],
  [4, double('asDouble')],
  [6, signedFixed64('asInt')],
  [7, many('attributes', () => keyValue)],
])
const histogramPoint: Message = new Map([
  [3, nanoseconds('timeUnixNano')],
  [4, fixed64('count')],
  [5, double('sum')],
  [6, fixed64s('bucketCounts')],
  [7, doubles('explicitBounds')],
  [9, many('attributes', () => keyValue)],
])
const exponentialPoint: Message = new Map([
  [1, many('attributes', () => keyValue)],
  [3, nanoseconds('timeUnixNano')],
  [4, fixed64('count')],
  [5, double('sum')],
])
const summaryPoint: Message = new Map([
  [3, nanoseconds('timeUnixNano')],
  [4, fixed64('count')],
  [5, double('sum')],
  [7, many('attributes', () => keyValue)],
])
const pointsOf = (point: Message): (() => Message) => {
  const data: Message = new Map([[1, many('dataPoints', () => point)]])
  return () => data
}
const metric: Message = new Map([
  [1, string('name')],
  [3, string('unit')],
  [5, one('gauge', pointsOf(numberPoint))],
  [7, one('sum', pointsOf(numberPoint))],
  [9, one('histogram', pointsOf(histogramPoint))],
  [10, one('exponentialHistogram', pointsOf(exponentialPoint))],
  [11, one('summary', pointsOf(summaryPoint))],
])
const scopeMetrics: Message = new Map([[2, many('metrics', () => metric)]])
const resourceMetrics: Message = new Map([
  [1, one('resource', () => resource)],
  [2, many('scopeMetrics', () => scopeMetrics)],
])

/** ExportMetricsServiceRequest. */
export const metricsRequest: Message = new Map([[1, many('resourceMetrics', () => resourceMetrics)]])
