import type { FsBackend } from "@ckpt/fs"
import type { CkptSaver } from "@ckpt/langgraph"
import type { Core } from "./core.js"
import type { Guide } from "./network/guide.js"
import type { StorageFlaws } from "./storage/storage.js"

export interface SimulateOptions {
  readonly core: Core
  readonly flaws?: StorageFlaws | undefined
  /** In the place of `@ckpt/fs`. */
  readonly fs?: typeof FsBackend | undefined
  /** In the place of that of `@ckpt/langgraph`. */
  readonly saver?: typeof CkptSaver | undefined
  /** Write each step down. */
  readonly trace?: boolean
  /** Decides which request arrives next, as long as anything is written down. */
  readonly guide?: Guide
}
