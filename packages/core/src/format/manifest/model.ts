import type { JsonObject } from "../json.js"

/** The manifest version that this release writes, and the highest that it reads. */
export const MANIFEST_VERSION = 1
export const DEFAULT_VNODE_COUNT = 256
/** Largest manifest at rest, in bytes. A larger one is neither written nor read. */
export const MAX_MANIFEST_BYTES = 64 * 1024 * 1024

/** A map from names to values without a prototype when read, so that `__proto__` and `constructor` are keys. */
export type NamedMap<T> = Readonly<Record<string, T>>

/** Fields written by a later release or another program: opaque, kept exactly, written after the known ones. */
export type UnknownFields = JsonObject

/** How far a source (or a reference table) has been read: connector-specific text, such as partition → offset. */
export interface ConnectorOffsets {
  readonly epoch: number
  readonly offsets: NamedMap<string>
  /** Always present when read or created; may be left out when given. */
  readonly metadata?: NamedMap<string>
  readonly unknownFields?: UnknownFields
}

/** Where one operator's state is: inline as base64, or a slice of the checkpoint's `state.bin`. */
export interface OperatorState {
  readonly stateB64: string | null
  readonly external: boolean
  /** Bytes from the start of `state.bin`. */
  readonly externalOffset: number
  readonly externalLength: number
  readonly unknownFields?: UnknownFields
}

export type SinkCommitStatus =
  | { readonly status: "pending" | "committed" }
  | { readonly status: "failed"; readonly message: string }

/** The claim under which a fenced writer wrote this, see `claim()`. Kept by the store. */
export interface WriterStamp {
  readonly epoch: number
  readonly token: string
  readonly from?: number
  readonly fenced?: number
  readonly unknownFields?: UnknownFields
}

/**
 * One checkpoint, in memory. Numbers are safe integers ≥ 0; watermarks (i64) and the pipeline hash (u64) are bigints.
 * A plain object: `{ ...manifest, epoch: 8 }` keeps everything else, unknown fields too.
 */
export interface CheckpointManifest {
  readonly version: number
  readonly checkpointId: number
  readonly epoch: number
  /** When it was taken, in milliseconds since 1970. */
  readonly timestampMs: number
  /** By source name. */
  readonly sourceOffsets: NamedMap<ConnectorOffsets>
  /** Last epoch, by sink name. */
  readonly sinkEpochs: NamedMap<number>
  readonly sinkCommitStatuses: NamedMap<SinkCommitStatus>
  /** By table name. */
  readonly tableOffsets: NamedMap<ConnectorOffsets>
  readonly operatorStates: NamedMap<OperatorState>
  readonly tableStoreCheckpointPath: string | null
  readonly watermark: bigint | null
  readonly sourceWatermarks: NamedMap<bigint>
  readonly sourceNames: readonly string[]
  readonly sinkNames: readonly string[]
  readonly pipelineHash: bigint | null
  /** Number of virtual partitions; 0 when a legacy manifest does not say. */
  readonly vnodeCount: number
  /** SHA-256 of `state.bin`, 64 lower-case hex digits. */
  readonly stateChecksum: string | null
  /** Bytes of `state.bin`; 0: no state. Absent in manifests of the reference. */
  readonly stateSize?: number
  /** SHA-256 of each external operator's slice, by operator name. */
  readonly operatorChecksums?: NamedMap<string>
  readonly writer?: WriterStamp
  readonly updateToken?: string
  /** Present only if there are some. */
  readonly unknownFields?: UnknownFields
}

type Optional = Exclude<keyof CheckpointManifest, "checkpointId" | "epoch" | "operatorStates">
/** What {@link createManifest} takes: id and epoch; the rest has defaults, and `undefined` is "left out". */
export type ManifestInit = Pick<CheckpointManifest, "checkpointId" | "epoch"> & {
  readonly [K in Optional]?: CheckpointManifest[K] | undefined
} & { readonly operatorStates?: NamedMap<Partial<OperatorState>> | undefined }

/** A record without a prototype. */
export function emptyRecord<T>(): Record<string, T> {
  return Object.create(null) as Record<string, T>
}
