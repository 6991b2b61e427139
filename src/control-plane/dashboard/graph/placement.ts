// Second half of a drawing in layers: how far across each thing stands, near its neighbours and upon nobody's toes.
import { mean, type Item } from './layers.js'

const ROUNDS = 9

/** The middle of each item across its layer; `sizeOf` is how much it takes there, gap included. */
export function placesAcross(layers: readonly (readonly Item[])[], sizeOf: (item: Item) => number): ReadonlyMap<Item, number> {
  const places = new Map<Item, number>()
  for (const layer of layers) {
    let end = 0
    for (const item of layer) {
      places.set(item, end + sizeOf(item) / 2)
      end += sizeOf(item)
    }
  }
  for (let round = 0; round < ROUNDS; round++) {
    const isForth = round % 2 === 0
    for (let step = 0; step < layers.length; step++) {
      const layer = layers[isForth ? step : layers.length - 1 - step]!
      const wanted = layer.map((item) => mean((isForth ? item.before : item.after).map((one) => places.get(one)!)) ?? places.get(item)!)
      spread(layer, wanted, sizeOf).forEach((place, i) => places.set(layer[i]!, place))
    }
  }
  const least = Math.min(0, ...[...places].map(([item, place]) => place - sizeOf(item) / 2))
  return new Map([...places].map(([item, place]) => [item, place - least]))
}

/** The places nearest to the wanted ones, by least squares, that keep the order and the room of each (pool adjacent violators). */
function spread(layer: readonly Item[], wanted: readonly number[], sizeOf: (item: Item) => number): readonly number[] {
  // Without the room that they take, they need only keep their order.
  const offsets: number[] = []
  let end = 0
  for (const item of layer) {
    offsets.push(end + sizeOf(item) / 2)
    end += sizeOf(item)
  }
  const blocks: { sum: number; length: number }[] = []
  wanted.forEach((place, i) => {
    let block = { sum: place - offsets[i]!, length: 1 }
    for (let last = blocks.at(-1); last !== undefined && last.sum / last.length > block.sum / block.length; last = blocks.at(-1)) {
      block = { sum: last.sum + block.sum, length: last.length + block.length }
      blocks.pop()
    }
    blocks.push(block)
  })
  return blocks.flatMap(({ sum, length }) => Array.from({ length }, () => sum / length)).map((place, i) => place + offsets[i]!)
}
