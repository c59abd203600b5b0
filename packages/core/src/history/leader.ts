import { IdOrder } from "../async/id-order.js"
import type { WriterStamp } from "../format/manifest/model.js"
import type { Writer } from "../format/pointer.js"

/** The writer that a claim made the leader. A plain store, opened without a claim, has no leader. */
export class Leader {
  readonly writer: Writer
  /** The end of the history when the claim was made. The leader's checkpoints have higher ids. */
  readonly from: number
  /** Saves swap in the order of their ids: the swap of the pointer commits, and the pointer only moves up. */
  readonly order = new IdOrder()

  constructor(writer: Writer, from: number) {
    this.writer = writer
    this.from = from
  }

  /** The field `writer` of the leader's manifests. */
  get stamp(): WriterStamp {
    return { ...this.writer, from: this.from }
  }
}
