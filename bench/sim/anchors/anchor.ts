/** Something published that the simulator must show as well, or its other figures mean nothing. */
export interface Anchor {
  readonly name: string
  readonly published: number
  readonly measured: number
  /** What may lie between them, in the unit of both. */
  readonly tolerance: number
  readonly unit: string
}

export function holds({ published, measured, tolerance }: Anchor): boolean {
  return Math.abs(measured - published) <= tolerance
}
