import { IdOrder } from "../async/id-order.js"
import type { WriterStamp } from "../format/manifest/model.js"
import type { Writer } from "../format/pointer.js"

/** The writer that a claim made lead. A store without a claim has none. */
export class Leader {
  readonly writer: Writer
  /** The history goes on above this id. */
  readonly from: number
  /** Saves go up in the order of their ids: the pointer's swap commits, and it only moves up. */
  readonly order = new IdOrder()

  constructor(writer: Writer, from: number) {
    this.writer = writer
    this.from = from
  }

  /** What the leader puts into its manifests. */
  get stamp(): WriterStamp {
    return { ...this.writer, from: this.from }
  }
}
