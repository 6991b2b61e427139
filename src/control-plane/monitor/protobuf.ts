import Pbf from 'pbf'
import type { JsonObject } from './otlp.js'

/** Wire types: https://protobuf.dev/programming-guides/encoding/#structure */
const VARINT = 0
const FIXED64 = 1
const BYTES = 2

/** One field of a message: what its JSON form calls it, and how its value is read. */
export interface Field {
  readonly name: string
  readonly wire: number
  readonly isRepeated: boolean
  readonly read: (reader: Reader) => unknown
}

/** The fields of a message by their numbers. */
export type Message = ReadonlyMap<number, Field>

// Deeper than any sender nests, and far from the end of the stack.
const MAX_DEPTH = 32
// An empty message takes two bytes here and some sixty in memory.
const MAX_MESSAGES = 500_000

/** Goes through one body. */
class Reader {
  readonly pbf: Pbf
  #depth = 0
  #messages = 0

  constructor(bytes: Uint8Array) {
    // A copy, because the library takes every array for the whole of its buffer.
    this.pbf = new Pbf(new Uint8Array(bytes))
  }

  message(fields: Message, end: number): JsonObject {
    if (++this.#depth > MAX_DEPTH) throw new Error('it is nested too deeply')
    if (++this.#messages > MAX_MESSAGES) throw new Error('it has too many parts')
    const found: Record<string, unknown> = {}
    this.pbf.readFields((number, _, pbf) => {
      const field = fields.get(number)
      // What is not known, or not of the known kind, is passed over.
      if (field === undefined || field.wire !== pbf.type) return
      const value = field.read(this)
      if (!field.isRepeated) found[field.name] = value
      else if (Array.isArray(found[field.name])) (found[field.name] as unknown[]).push(value)
      else found[field.name] = [value]
    }, found, end)
    // The library itself reads on when a length is more than there is.
    if (this.pbf.pos !== end) throw new Error('it is cut off')
    this.#depth--
    return found
  }

  /** The end of what is counted in bytes and begins here. */
  end(): number {
    const end = this.pbf.readVarint() + this.pbf.pos
    if (end > this.pbf.length) throw new Error('it is cut off')
    return end
  }
}

/** A message in its JSON form: ids in hex and other bytes in Base64, 64-bit times as a bigint. Throws for what is none. */
export function decode(message: Message, bytes: Uint8Array): JsonObject {
  return new Reader(bytes).message(message, bytes.byteLength)
}

function field(name: string, wire: number, read: (reader: Reader) => unknown): Field {
  return { name, wire, isRepeated: false, read }
}

/** `double` */
export const double = (name: string): Field => field(name, FIXED64, ({ pbf }) => pbf.readDouble())
/** `fixed64` of which the last digit matters. */
export const nanoseconds = (name: string): Field =>
  field(name, FIXED64, ({ pbf }) => BigInt(pbf.readFixed32()) | (BigInt(pbf.readFixed32()) << 32n))
/** `fixed64` */
export const fixed64 = (name: string): Field => field(name, FIXED64, ({ pbf }) => pbf.readFixed64())
/** `sfixed64` */
export const signedFixed64 = (name: string): Field => field(name, FIXED64, ({ pbf }) => pbf.readSFixed64())
/** `int64` */
export const int64 = (name: string): Field => field(name, VARINT, ({ pbf }) => pbf.readVarint(true))
/** An enumeration. */
export const choice = (name: string): Field => field(name, VARINT, ({ pbf }) => pbf.readVarint())
/** `bool` */
export const bool = (name: string): Field => field(name, VARINT, ({ pbf }) => pbf.readBoolean())
/** `string` */
export const string = (name: string): Field => field(name, BYTES, ({ pbf }) => pbf.readString())
/** `bytes` of an id. */
export const hex = (name: string): Field => field(name, BYTES, (reader) => bytesIn(reader).toString('hex'))
/** `bytes` */
export const base64 = (name: string): Field => field(name, BYTES, (reader) => bytesIn(reader).toString('base64'))
/** `repeated double`, packed, as every encoder of proto3 writes it. */
export const doubles = (name: string): Field => field(name, BYTES, (reader) => packed(reader, () => reader.pbf.readDouble()))
/** `repeated fixed64`, packed. */
export const fixed64s = (name: string): Field => field(name, BYTES, (reader) => packed(reader, () => reader.pbf.readFixed64()))
/** A message, asked for when it is read, so that messages may contain each other. */
export const one = (name: string, message: () => Message): Field =>
  field(name, BYTES, (reader) => reader.message(message(), reader.end()))
/** `repeated` messages. */
export const many = (name: string, message: () => Message): Field => ({ ...one(name, message), isRepeated: true })

function bytesIn(reader: Reader): Buffer {
  const { buffer, byteOffset, byteLength } = reader.pbf.readBytes()
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength)
}

function packed(reader: Reader, read: () => number): number[] {
  const end = reader.end()
  const values: number[] = []
  while (reader.pbf.pos < end) values.push(read())
  return values
}

/** A message of one whole number and one text, by the numbers of their fields 1 and 2; as every answer of OTLP has it. */
function numberAndText(number: number, text: string, pbf: Pbf): void {
  pbf.writeVarintField(1, number)
  pbf.writeStringField(2, text)
}

/** google.rpc.Status. */
export function encodeStatus(code: number, message: string): Uint8Array {
  const pbf = new Pbf()
  numberAndText(code, message, pbf)
  return pbf.finish()
}

/** An Export…ServiceResponse that says how much was not taken, and why. */
export function encodePartialSuccess(rejected: number, message: string): Uint8Array {
  const pbf = new Pbf()
  pbf.writeMessage(1, () => numberAndText(rejected, message, pbf), undefined)
  return pbf.finish()
}
