import type { LayoutName, StoragePlace } from "@ckpt/core"

/** How to reach a storage, beside its URL. */
export interface ConnectOptions {
  /** The address of the service, where it is not the provider's own. */
  readonly endpoint?: string | undefined
  /** The region of a bucket. */
  readonly region?: string | undefined
  /** The path of a JSON file with credentials; docs/cli.md has its fields. Default: the SDK's own environment. */
  readonly credentials?: string | undefined
  /** No call may write. Default false. */
  readonly readOnly?: boolean | undefined
  /** The storage need not exist yet: a folder that is missing holds no checkpoints. Default false: it is an error. */
  readonly mayBeNew?: boolean | undefined
  /** The folder that relative paths start from. */
  readonly cwd: string
  /** The variables of the environment. */
  readonly env: NodeJS.ProcessEnv
}

/** A storage that was reached, and where the store lies in it. */
export interface Connected extends Omit<StoragePlace, "ownsBackend"> {
  /** The layout of a store that is not there yet. */
  readonly usualLayout: LayoutName
  /** The folder of a `file:` URL. */
  readonly folder?: string
}
