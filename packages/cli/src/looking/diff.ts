import type { CheckpointManifest, ConnectorOffsets, NamedMap, SinkCommitStatus } from "@ckpt/core"
import { bytesOf, operatorsOf } from "./operators.js"

/** A value in two checkpoints; absent where the checkpoint lacks it. */
export interface Change<T> {
  readonly from?: T
  readonly to?: T
}

/** An offset in two checkpoints. */
interface OffsetChange extends Change<string> {
  /** What is read: a source, or a reference table, which may have the same name. */
  readonly kind: "source" | "table"
  /** Its name. */
  readonly source: string
  readonly partition: string
  /** How far it advanced, if both are whole numbers. */
  readonly by?: bigint
}

/** The state of an operator in two checkpoints, in bytes. */
interface OperatorChange extends Change<number> {
  readonly operator: string
  readonly by: number
}

/** What a checkpoint says of a sink. */
export interface SinkFacts {
  readonly status?: SinkCommitStatus["status"]
  /** Why it failed. */
  readonly message?: string
  readonly epoch?: number
}

/** Two checkpoints of a store: what the second has otherwise. Lists have what differs, by name. */
export interface Difference {
  readonly a: number
  readonly b: number
  readonly epoch: Change<number>
  /** Milliseconds between the two, by their own times. */
  readonly elapsedMs: number
  readonly offsets: readonly OffsetChange[]
  readonly watermark: Change<bigint> & { readonly by?: bigint }
  readonly sourceWatermarks: readonly (Change<bigint> & { readonly source: string; readonly by?: bigint })[]
  /** Operators of another size, or in one checkpoint alone. */
  readonly operators: readonly OperatorChange[]
  /** Bytes of all operators, or of the one state. */
  readonly stateBytes: { readonly from: number; readonly to: number; readonly by: number }
  readonly sinks: readonly (Change<SinkFacts> & { readonly sink: string })[]
  readonly labels: readonly (Change<string> & { readonly label: string })[]
  /** What the job itself is made of: sources, sinks, virtual partitions, the hash of the pipeline. */
  readonly topology: readonly (Change<string> & { readonly what: string })[]
}

export function differenceOf(a: CheckpointManifest, b: CheckpointManifest): Difference {
  const [sizesA, sizesB] = [a, b].map(sizes) as [NamedMap<number>, NamedMap<number>]
  const [bytesA, bytesB] = [bytesOf(a), bytesOf(b)]
  return {
    a: a.checkpointId,
    b: b.checkpointId,
    epoch: { from: a.epoch, to: b.epoch },
    elapsedMs: b.timestampMs - a.timestampMs,
    offsets: [
      ...offsets("source", a.sourceOffsets, b.sourceOffsets),
      ...offsets("table", a.tableOffsets, b.tableOffsets),
    ],
    watermark: watermarkChange(a.watermark ?? undefined, b.watermark ?? undefined),
    sourceWatermarks: changes(a.sourceWatermarks, b.sourceWatermarks).map(([source, { from, to }]) => ({
      source,
      ...watermarkChange(from, to),
    })),
    operators: changes(sizesA, sizesB).map(([operator, change]) => ({
      operator,
      ...change,
      by: (change.to ?? 0) - (change.from ?? 0),
    })),
    stateBytes: { from: bytesA, to: bytesB, by: bytesB - bytesA },
    sinks: changes(sinks(a), sinks(b), (from, to) => sinkFactsText(from) === sinkFactsText(to)).map(
      ([sink, change]) => ({ sink, ...change }),
    ),
    labels: changes(a.labels ?? {}, b.labels ?? {}).map(([label, change]) => ({ label, ...change })),
    topology: changes(topologyOf(a), topologyOf(b)).map(([what, change]) => ({ what, ...change })),
  }
}

/** What is not the same in two maps, by name. */
function changes<T>(
  a: NamedMap<T>,
  b: NamedMap<T>,
  isSame: (from: T, to: T) => boolean = Object.is,
): [string, Change<T>][] {
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort()
  return names.flatMap((name) => {
    const [from, to] = [own(a, name), own(b, name)]
    if (from !== undefined && to !== undefined && isSame(from, to)) return []
    return [[name, { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }]]
  })
}

/** A name may be `constructor`. */
function own<T>(map: NamedMap<T>, name: string): T | undefined {
  return Object.hasOwn(map, name) ? map[name] : undefined
}

function offsets(
  kind: OffsetChange["kind"],
  a: NamedMap<ConnectorOffsets>,
  b: NamedMap<ConnectorOffsets>,
): OffsetChange[] {
  const sources = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort()
  return sources.flatMap((source) => {
    const [before, after] = [own(a, source)?.offsets ?? {}, own(b, source)?.offsets ?? {}]
    return changes(before, after).map(([partition, change]) => {
      const by = advance(change)
      return { kind, source, partition, ...change, ...(by === undefined ? {} : { by }) }
    })
  })
}

function advance({ from, to }: Change<string>): bigint | undefined {
  // An offset is the connector's own text. Twenty digits hold every offset that counts something.
  const isWhole = (text: string | undefined): text is string => text !== undefined && /^-?\d{1,20}$/.test(text)
  return isWhole(from) && isWhole(to) ? BigInt(to) - BigInt(from) : undefined
}

function watermarkChange(from: bigint | undefined, to: bigint | undefined) {
  return {
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(from === undefined || to === undefined ? {} : { by: to - from }),
  }
}

function sizes(manifest: CheckpointManifest): NamedMap<number> {
  return named(operatorsOf(manifest).map(({ name, bytes }) => [name, bytes]))
}

function sinks({ sinkCommitStatuses, sinkEpochs }: CheckpointManifest): NamedMap<SinkFacts> {
  const names = [...new Set([...Object.keys(sinkCommitStatuses), ...Object.keys(sinkEpochs)])]
  return named(
    names.map((name) => {
      const epoch = own(sinkEpochs, name)
      return [name, { ...own(sinkCommitStatuses, name), ...(epoch === undefined ? {} : { epoch }) }]
    }),
  )
}

/** A sink for people: `committed, epoch 12`. */
export function sinkFactsText({ status, message, epoch }: SinkFacts): string {
  const words = [
    status === "failed" ? `failed: ${message}` : (status ?? ""),
    epoch === undefined ? "" : `epoch ${epoch}`,
  ]
  return words.filter((word) => word !== "").join(", ")
}

/** The status of a sink, with the reason of a failure. */
export function sinkText(status: SinkCommitStatus | undefined): string {
  if (status === undefined) return ""
  return status.status === "failed" ? `failed: ${status.message}` : status.status
}

function topologyOf({ sourceNames, sinkNames, vnodeCount, pipelineHash }: CheckpointManifest): NamedMap<string> {
  return {
    "virtual partitions": String(vnodeCount),
    "pipeline hash": pipelineHash === null ? "none" : pipelineHash.toString(16).padStart(16, "0"),
    ...named(sourceNames.map((name) => [`source ${name}`, "there"])),
    ...named(sinkNames.map((name) => [`sink ${name}`, "there"])),
  }
}

function named<T>(entries: readonly (readonly [string, T])[]): NamedMap<T> {
  const map = Object.create(null) as Record<string, T>
  for (const [name, value] of entries) map[name] = value
  return map
}
