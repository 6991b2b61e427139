import { Baseline } from './baseline.js'

/** Each server with the same chance. */
export class RandomChoice extends Baseline {
  protected choose(): number {
    return this.anyMember()
  }
}
