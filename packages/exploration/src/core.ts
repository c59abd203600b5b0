import type { CheckpointStore, OpenOptions } from "@ckpt/core"

/** The core under exploration: the real one, or a copy with one rule left out. */
export interface Core {
  openCheckpointStore(options: OpenOptions): Promise<CheckpointStore>
}
