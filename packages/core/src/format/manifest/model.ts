/**
 * The manifest's fields in memory: those of the reference (LaminarDB's `CheckpointManifest`) in camelCase, and the
 * fields that this library adds. docs/reference.md compares the two.
 */

import type { JsonObject } from "../json.js"

/** The manifest version that this release writes, and the highest that it reads. */
export const MANIFEST_VERSION = 1
/** Virtual partitions, if the job does not say otherwise. */
export const DEFAULT_VNODE_COUNT = 256
/** Bytes of a stored manifest, at most. A larger manifest is neither written nor read. */
export const MAX_MANIFEST_BYTES = 64 * 1024 * 1024

/**
 * A map from names to values. A map that was read has no prototype, so `__proto__` and `constructor` are names like any
 * other.
 */
export type NamedMap<T> = Readonly<Record<string, T>>

/** Fields of a later release or another program. They are kept exactly, and written after the known fields. */
export type UnknownFields = JsonObject

/** How far a source, or a reference table, has been read. */
export interface ConnectorOffsets {
  /** The job's epoch that the offsets belong to. A whole number from 0. */
  readonly epoch: number
  /** Text of the connector's own, such as partition → offset. */
  readonly offsets: NamedMap<string>
  /** Present in every manifest that was read or created. May be left out in a manifest that is given. */
  readonly metadata?: NamedMap<string>
  /** Present only if there are unknown fields. */
  readonly unknownFields?: UnknownFields
}

/** {@link ConnectorOffsets} as they may be given. */
export interface GivenOffsets extends Omit<ConnectorOffsets, "offsets" | "epoch"> {
  /** The job's epoch that the offsets belong to. A whole number from 0. Default: the manifest's. */
  readonly epoch?: number | undefined
  /** As in {@link ConnectorOffsets}; a whole number or a bigint is stored as its decimal digits. */
  readonly offsets: NamedMap<string | number | bigint>
}

/** The place of one operator's state: inline as base64, or external, in a slice of the checkpoint's `state.bin`. */
export interface OperatorState {
  /** The inline state, base64 with padding; null for an external state. */
  readonly stateB64: string | null
  /** True: the state is in `state.bin`. False: it is in `stateB64`, or the operator has none. */
  readonly external: boolean
  /** Bytes from the start of `state.bin`. */
  readonly externalOffset: number
  /** Bytes. */
  readonly externalLength: number
  /** Present only if there are unknown fields. */
  readonly unknownFields?: UnknownFields
}

/**
 * Whether a sink has committed the checkpoint's epoch. At rest `"Pending"`, `"Committed"` or `{ "Failed": message }`.
 */
export type SinkCommitStatus =
  | {
      /** `pending`: prepared and not committed, so recovery must finish or undo it. `committed`: done. */
      readonly status: "pending" | "committed"
    }
  | {
      /** The commit failed. */
      readonly status: "failed"
      /** Why, in the job's own words. */
      readonly message: string
    }

/** The leader that wrote a manifest, see `claim()`. Set by the store alone: `save` and `update` ignore the caller's. */
export interface WriterStamp {
  /** The epoch of its claim. A plain writer has epoch 0. */
  readonly epoch: number
  /** Unique to its claim. */
  readonly id: string
  /** Present only if there are unknown fields. */
  readonly unknownFields?: UnknownFields
}

/**
 * One checkpoint, in memory. Every number is an integer from 0 to 2^53 - 1; watermarks (i64) and the pipeline hash
 * (u64) are bigints. A manifest is a plain object: `{ ...manifest, epoch: 8 }` keeps all other fields, unknown fields
 * too.
 */
export interface CheckpointManifest {
  /** The version of the format: 1. */
  readonly version: number
  /** The checkpoint's number, from 1. A later checkpoint has a higher one: take `nextId`. */
  readonly checkpointId: number
  /**
   * The job's own epoch, from 1: the number under which its sources and sinks know this checkpoint, for an exactly-once hand-over.
   * Often one more with each checkpoint. Not the epoch of a claim, see `writer`.
   */
  readonly epoch: number
  /** When the checkpoint was taken: milliseconds since 1970. */
  readonly timestampMs: number
  /** How far each source has been read, by source name. */
  readonly sourceOffsets: NamedMap<ConnectorOffsets>
  /** The last epoch that each sink has taken, by sink name. With it a sink tells whether it has this checkpoint's output. */
  readonly sinkEpochs: NamedMap<number>
  /** Whether each sink has committed, by sink name. Empty if the job does not track it. */
  readonly sinkCommitStatuses: NamedMap<SinkCommitStatus>
  /** How far the source of each reference table has been read, by table name. */
  readonly tableOffsets: NamedMap<ConnectorOffsets>
  /** Where each operator's state is, by operator name. `save` fills it in from its option `operators`. */
  readonly operatorStates: NamedMap<OperatorState>
  /** Where a table store of the job's own keeps its part of the checkpoint; null for none. This library does not look there. */
  readonly tableStoreCheckpointPath: string | null
  /**
   * The job's event time, up to which it has seen everything; null for none. In the job's own unit; LaminarDB's is milliseconds
   * since 1970. From -2^63 to 2^63 - 1.
   */
  readonly watermark: bigint | null
  /** The watermark of each source, in the unit of `watermark`, by source name. */
  readonly sourceWatermarks: NamedMap<bigint>
  /** The names of all sources of the job, sorted, so that recovery can tell which were added or removed. Empty: not recorded. */
  readonly sourceNames: readonly string[]
  /** The names of all sinks of the job, sorted, so that recovery can tell which were added or removed. Empty: not recorded. */
  readonly sinkNames: readonly string[]
  /**
   * A hash of the job's code and configuration, as the job computes it; null for none. Compare it in `accept` of `recover`: with
   * another one, the states may not fit. From 0 to 2^64 - 1.
   */
  readonly pipelineHash: bigint | null
  /** Number of virtual partitions, up to 65,535. 0 in a legacy manifest that does not say. */
  readonly vnodeCount: number
  /** SHA-256 of `state.bin`, 64 lower-case hex digits; null without a state, or if a legacy manifest does not say. */
  readonly stateChecksum: string | null
  /** Bytes of `state.bin`. 0 beside a null `stateChecksum`: there is no state. Absent in manifests of the reference. */
  readonly stateSize?: number
  /** SHA-256 of each external operator's slice, by operator name. */
  readonly operatorChecksums?: NamedMap<string>
  /**
   * Text of your own, by name, which `list` shows: who took the checkpoint, of which release, why. Up to 64 labels; a name has 1 to
   * 128 bytes, a value up to 1,024.
   */
  readonly labels?: NamedMap<string>
  /** Present if a leader wrote the manifest. */
  readonly writer?: WriterStamp
  /** Unique to the last update. */
  readonly updateToken?: string
  /** The epoch of the last leader that recovered this checkpoint. An update that began before that fails. */
  readonly seen?: number
  /** Present only if there are unknown fields. */
  readonly unknownFields?: UnknownFields
}

type OfItsOwn = "checkpointId" | "epoch" | "operatorStates" | "sourceOffsets" | "tableOffsets"
type Optional = Exclude<keyof CheckpointManifest, OfItsOwn>
/**
 * The argument of {@link createManifest}. Id and epoch are required; every other field has a default, also if it is
 * `undefined`.
 */
export type ManifestInit = Pick<CheckpointManifest, "checkpointId" | "epoch"> & {
  readonly [K in Optional]?: CheckpointManifest[K] | undefined
} & {
  /** As in {@link CheckpointManifest}; fields of an operator that are left out have their defaults. */
  readonly operatorStates?: NamedMap<Partial<OperatorState>> | undefined
  /** By source name. */
  readonly sourceOffsets?: NamedMap<GivenOffsets> | undefined
  /** By table name. */
  readonly tableOffsets?: NamedMap<GivenOffsets> | undefined
}

/**
 * The fields of a manifest whose id the store chooses: those of {@link ManifestInit} without `checkpointId`. `epoch` may be left
 * out.
 */
export type NextManifest = Omit<ManifestInit, "checkpointId" | "epoch"> & {
  /** The job's epoch, from 1. Default: that of the last checkpoint + 1. */
  readonly epoch?: number | undefined
}

/** A record without a prototype. */
export function emptyRecord<T>(): Record<string, T> {
  return Object.create(null) as Record<string, T>
}
