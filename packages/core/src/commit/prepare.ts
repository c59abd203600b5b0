import { digestOf } from "../bytes/sha256.js"
import { CheckpointError } from "../errors.js"
import { assertLabels, checkManifest } from "../format/manifest/check.js"
import { decodeInline } from "../format/manifest/inline.js"
import type { CheckpointManifest } from "../format/manifest/model.js"
import { checksumMeaning } from "../format/manifest/state-checksum.js"
import type { History } from "../history/history.js"
import { anything, type ShapeOf, wholeNumber } from "../input/kinds.js"
import { type OperationOptions, operationShape, type ProgressOptions, progressFields } from "../options.js"
import { openFeed, type StateInfo } from "../state/feed.js"
import { defaultInlineThreshold, packOperators } from "../state/pack-operators.js"
import { WriteProgress } from "../state/progress.js"
import { chunksInMemory, type StateSource } from "../state/source.js"
import type { Verifier } from "../verify/verifier.js"
import { takeState } from "./given-state.js"
import type { Job } from "./job.js"
import type { StatesAhead } from "./states-ahead.js"

/**
 * Stands for a size that is not known yet: larger than any state. The manifest is checked again once the size is known.
 */
const sizeUnknown = Number.MAX_SAFE_INTEGER

export interface PreparedSave extends Job {
  /** To be called once the checkpoint is saved: tells the last progress. */
  saved(): void
  /** To be called in any case: releases a source that was not read to its end. */
  close(): void
}

/**
 * Turns the arguments of `save` into a commit. A manifest that would not verify is refused before anything is written.
 *
 * @param ahead the states that `writeState` wrote
 */
export async function prepareSave(
  history: History,
  given: CheckpointManifest,
  options: SaveOptions,
  ahead: StatesAhead,
): Promise<PreparedSave> {
  const { signal } = options
  // A loaded manifest may carry the writer, the update token and the checksums of an earlier save. This save has its
  // own.
  const { writer: _w, updateToken: _u, seen: _s, operatorChecksums: _o, ...plain } = checkManifest(given)
  const manifest =
    history.lead === undefined ? plain : { ...plain, writer: { epoch: history.lead.epoch, id: history.lead.writer } }
  const id = manifest.checkpointId
  assertLabels(manifest)
  for (const name of ["checkpointId", "epoch"] as const) {
    if (manifest[name] < 1) throw invalid(id, `${name} is ${manifest[name]}; it must be at least 1`)
  }
  const { state, operators } = takeState(id, options)
  const progress = new WriteProgress(options.onProgress)

  if (operators !== undefined) {
    const operatorStates = { ...manifest.operatorStates }
    for (const name of Object.keys(operators)) delete operatorStates[name]
    refuseDangling(id, operatorStates)
    // Inline states that the manifest brings are laid out with the rest: inline and external ones do not go together.
    const brought = inlineSources(operatorStates)
    for (const name of Object.keys(brought)) delete operatorStates[name]
    const packed = await packOperators(
      { ...brought, ...operators },
      options.inlineThreshold ?? defaultInlineThreshold,
      signal,
    )
    const complete = (info: StateInfo | undefined): CheckpointManifest => {
      const { operatorStates: fresh, operatorChecksums } = packed.result()
      return withState(
        history,
        {
          ...manifest,
          operatorStates: Object.assign(Object.create(null), operatorStates, fresh),
          ...(operatorChecksums === undefined ? {} : { operatorChecksums }),
        },
        info,
      )
    }
    const feed = packed.feed && progress.watch(packed.feed)
    return { id, feed, manifest: complete, signal, saved: () => progress.end(feed?.info()), close: () => feed?.close() }
  }

  if (state !== undefined) {
    refuseInline(id, manifest.operatorStates)
    const chunks = chunksInMemory(state)
    const size = chunks?.reduce((sum, chunk) => sum + chunk.length, 0)
    assertSavable({ ...manifest, stateSize: size ?? sizeUnknown, stateChecksum: "" }, history.verifier)
    // Bytes in memory are refused before anything is written. Of others, the checksum is known only when they were.
    if (chunks !== undefined && manifest.stateChecksum !== null) {
      assertNamed(manifest, (await digestOf(chunks, signal)).hex())
    }
    const feed = progress.watch(await openFeed(state, signal))
    const complete = (info: StateInfo | undefined) => {
      assertNamed(manifest, info?.checksum)
      return withState(history, manifest, info)
    }
    return { id, feed, manifest: complete, signal, saved: () => progress.end(feed.info()), close: () => feed.close() }
  }

  const info = await stateWrittenAhead(history, manifest, ahead, signal)
  const complete = withState(history, manifest, info)
  return { id, feed: undefined, manifest: () => complete, signal, saved: () => {}, close: () => {} }
}

/** A manifest that was loaded names the checksum of its state. Other bytes are another state, or are damaged. */
function assertNamed(manifest: CheckpointManifest, checksum: string | undefined): void {
  const { checkpointId: id, stateChecksum } = manifest
  if (stateChecksum === null || stateChecksum === checksum || checksumMeaning(manifest).of !== "state") return
  throw invalid(
    id,
    `the state has the checksum ${checksum}, but the manifest's stateChecksum is ${stateChecksum}. ` +
      "If it is a new state, set stateChecksum to null; if it is a copy, read it again",
  )
}

function withState(history: History, manifest: CheckpointManifest, info: StateInfo | undefined): CheckpointManifest {
  const complete = { ...manifest, stateChecksum: info?.checksum ?? null, stateSize: info?.size ?? 0 }
  assertSavable(complete, history.verifier)
  return complete
}

/**
 * The state of a save that was given none: written before by `writeState`, or named by the manifest's `stateChecksum`
 * and found in the storage. `undefined`: the checkpoint has no state.
 */
async function stateWrittenAhead(
  history: History,
  manifest: CheckpointManifest,
  ahead: StatesAhead,
  signal: AbortSignal | undefined,
): Promise<StateInfo | undefined> {
  const { storage, layout } = history.place
  const { checkpointId: id, stateChecksum, stateSize } = manifest
  const info = ahead.get(id)
  if (info !== undefined && (stateChecksum === null || stateChecksum === info.checksum)) {
    refuseInline(id, manifest.operatorStates)
    // The state may have been collected since, or removed with its checkpoint.
    const stored = await storage.head(layout.stateKey(id), signal)
    if (stored?.version === info.version) return info
    throw invalid(id, "the state that writeState wrote is gone. Take nextId() and write the state again")
  }
  // A manifest that was loaded from a store of the reference: its checksum is of the inline states, and no state
  // belongs to it.
  if (checksumMeaning(manifest).of === "inline") return undefined
  if (stateChecksum === null && (stateSize ?? 0) === 0) {
    refuseDangling(id, manifest.operatorStates)
    return undefined
  }
  const advice = "Give the state with the save, or set stateChecksum to null and leave stateSize out"
  if (stateChecksum === null) throw invalid(id, `stateSize is ${stateSize}, but there is no stateChecksum. ${advice}`)
  const stored = await storage.digest(layout.stateKey(id), { signal })
  if (stored === undefined) throw invalid(id, `stateChecksum names a state, but no state was written. ${advice}`)
  if (!stored.has(stateChecksum))
    throw invalid(id, `the state that was written has checksum ${stored.hex()}. ${advice}`)
  return { checksum: stateChecksum, size: stored.size }
}

/** The inline states of a manifest as sources. An operator without bytes (null) stays as it is. */
function inlineSources(operatorStates: CheckpointManifest["operatorStates"]): Record<string, Uint8Array> {
  const sources: Record<string, Uint8Array> = Object.create(null)
  for (const [name, operator] of Object.entries(operatorStates)) {
    if (!operator.external && operator.stateB64 !== null) sources[name] = decodeInline(operator)
  }
  return sources
}

/** Refuses a state beside inline states: no checksum of both suits older and newer readers of the reference. */
function refuseInline(id: number, operatorStates: CheckpointManifest["operatorStates"]): void {
  const inline = Object.keys(operatorStates).find((name) => operatorStates[name]?.stateB64 != null)
  if (inline === undefined) return
  const name = JSON.stringify(inline)
  const problem = `operatorStates[${name}] is inline, and the save also has a state that is no operator's`
  throw invalid(id, `${problem}. Give both in operators, or remove ${name}`)
}

/**
 * Refuses an external operator that this save writes no state for. Such an operator comes from spreading the manifest
 * of another checkpoint.
 */
function refuseDangling(id: number, operatorStates: CheckpointManifest["operatorStates"]): void {
  const dangling = Object.keys(operatorStates).find((name) => operatorStates[name]?.external)
  if (dangling === undefined) return
  const name = JSON.stringify(dangling)
  throw invalid(
    id,
    `operatorStates[${name}] lies in a state that this save does not write. Give ${name} in operators, or remove it`,
  )
}

function invalid(id: number, problem: string): CheckpointError {
  return new CheckpointError("CKPT_INVALID", `save of checkpoint ${id}: ${problem}.`, { checkpointId: id })
}

/**
 * The options of `save`. Give `state` or `operators`, not both. Without either, the checkpoint has the state that
 * `writeState` wrote for it, or else no state. An option that is there and `undefined` is `CKPT_INVALID`.
 */
export interface SaveOptions extends OperationOptions, ProgressOptions {
  /**
   * The bytes of `state.bin`, in a format of your own. If the manifest names a `stateChecksum`, as a loaded one does, other bytes
   * are `CKPT_INVALID`.
   */
  state?: StateSource | undefined
  /**
   * The state of each operator, by its name; one at least. All go into the manifest if they are small, see `inlineThreshold`;
   * otherwise all go into `state.bin`. A `stateChecksum` that the manifest names is not compared: it is made anew.
   */
  operators?: Readonly<Record<string, StateSource>> | ReadonlyMap<string, StateSource> | undefined
  /**
   * The states of all operators go into the manifest if each has at most this many bytes, and all together have at most
   * 4 MiB. Default 65,536.
   */
  inlineThreshold?: number | undefined
}

export const saveShape: ShapeOf<SaveOptions> = {
  fields: {
    ...operationShape.fields,
    ...progressFields,
    state: anything,
    operators: anything,
    inlineThreshold: wholeNumber(0, undefined, "a number of bytes"),
  },
  example: "an object such as { state: bytes } or { operators: { window: bytes } }",
}

/**
 * Refuses a manifest with a fatal issue. Ranges that the caller gave by hand can be checked only with the state's size.
 */
function assertSavable(manifest: CheckpointManifest, verifier: Verifier): void {
  const fatal = verifier.validate(manifest).find((issue) => issue.severity === "fatal")
  if (fatal === undefined) return
  throw new CheckpointError(
    "CKPT_INVALID",
    `checkpoint ${manifest.checkpointId} would not verify: ${fatal.message}. No manifest was written. Correct it; if a stream ` +
      "was given as the state, the state may be there, so take nextId().",
    {
      checkpointId: manifest.checkpointId,
    },
  )
}
