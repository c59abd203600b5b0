import { Budget } from "../async/budget.js"
import type { Gate } from "../async/gate.js"
import type { CheckpointErrorDetails } from "../errors.js"
import type { Layout } from "../format/layout.js"
import type { Storage } from "./storage.js"

/**
 * Bytes of manifests that a store reads and decodes together. A decoded manifest of many small values takes about ten times
 * its bytes. A larger manifest is read alone.
 */
const manifestBytesTogether = 32 * 1024 * 1024

/** Where the checkpoints of one store lie: on which storage, under which keys. */
export class Place {
  readonly storage: Storage
  readonly layout: Layout
  /** The calls and the readers of the store, which its `close` waits for. */
  readonly gate: Gate
  /** For every read of a manifest. */
  readonly manifestBytes = new Budget(manifestBytesTogether)

  constructor(storage: Storage, layout: Layout, gate: Gate) {
    this.storage = storage
    this.layout = layout
    this.gate = gate
  }

  /** The storage's name, for messages. */
  get backend(): string {
    return this.storage.backend.name
  }

  /** For an error about a checkpoint: its id, its manifest's key, the storage. */
  manifest(id: number): CheckpointErrorDetails & { readonly key: string } {
    return { checkpointId: id, key: this.layout.manifestKey(id), backend: this.backend }
  }

  /** For an error about a checkpoint's state: its id, the state's key, the storage. */
  state(id: number): CheckpointErrorDetails & { readonly key: string } {
    return { checkpointId: id, key: this.layout.stateKey(id), backend: this.backend }
  }
}
