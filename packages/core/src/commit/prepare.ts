import { CheckpointError } from "../errors.js"
import { checkManifest } from "../format/manifest/check.js"
import type { CheckpointManifest } from "../format/manifest/model.js"
import type { History } from "../history/history.js"
import type { OperationOptions, ProgressOptions } from "../options.js"
import { openFeed, type StateInfo } from "../state/feed.js"
import { defaultInlineThreshold, packOperators } from "../state/pack-operators.js"
import { WriteProgress } from "../state/progress.js"
import { chunksInMemory, type StateSource } from "../state/source.js"
import type { Verifier } from "../verify/verifier.js"
import type { Commit } from "./job.js"
import type { StatesAhead } from "./states-ahead.js"

/** Larger than any state: what is checked against it is checked again once the real size is known. */
const sizeUnknown = Number.MAX_SAFE_INTEGER

export interface PreparedSave extends Commit {
  /** To be called once the checkpoint is saved. */
  saved(): void
  close(): void
}

/**
 * Turns what a caller gave into a commit, and refuses what would not verify before anything is written.
 *
 * @param ahead states that `writeState` wrote ahead
 */
export async function prepareSave(
  history: History,
  given: CheckpointManifest,
  options: SaveOptions,
  ahead: StatesAhead,
): Promise<PreparedSave> {
  const { signal } = options
  // A save is its own writer, and nobody has updated it yet; a manifest that was loaded may carry both.
  const { writer: _w, updateToken: _u, operatorChecksums: _o, ...plain } = checkManifest(given)
  const manifest = history.leader === undefined ? plain : { ...plain, writer: history.leader.stamp }
  const id = manifest.checkpointId
  for (const name of ["checkpointId", "epoch"] as const) {
    if (manifest[name] < 1) throw invalid(id, `${name} is ${manifest[name]}; it must be at least 1`)
  }
  const { state, operators } = options
  const progress = new WriteProgress(options.onProgress)
  if (state !== undefined && operators !== undefined) throw invalid(id, "give state or operators, not both")

  if (operators !== undefined) {
    const operatorStates = { ...manifest.operatorStates }
    for (const name of Object.keys(operators)) delete operatorStates[name]
    refuseDangling(id, operatorStates)
    const packed = await packOperators(operators, options.inlineThreshold ?? defaultInlineThreshold, signal)
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
    const chunks = chunksInMemory(state)
    const size = chunks?.reduce((sum, chunk) => sum + chunk.length, 0)
    assertSavable({ ...manifest, stateSize: size ?? sizeUnknown, stateChecksum: "" }, history.verifier)
    const feed = progress.watch(await openFeed(state, signal))
    const complete = (info: StateInfo | undefined) => withState(history, manifest, info)
    return { id, feed, manifest: complete, signal, saved: () => progress.end(feed.info()), close: () => feed.close() }
  }

  const info = await stateWrittenAhead(history, manifest, ahead, signal)
  const complete = withState(history, manifest, info)
  return { id, feed: undefined, manifest: () => complete, signal, saved: () => {}, close: () => {} }
}

function withState(history: History, manifest: CheckpointManifest, info: StateInfo | undefined): CheckpointManifest {
  const complete = { ...manifest, stateChecksum: info?.checksum ?? null, stateSize: info?.size ?? 0 }
  assertSavable(complete, history.verifier)
  return complete
}

/** The state that belongs to a save that brings none: from `writeState`, or named by the manifest and found in the storage. */
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
    // It may have been collected since, or removed with its checkpoint.
    const stored = await storage.head(layout.stateKey(id), signal)
    if (stored?.size === info.size) return info
    throw invalid(id, "the state that writeState wrote for it is not there any more. Take nextId() and write it again")
  }
  if (stateChecksum === null && (stateSize ?? 0) === 0) {
    refuseDangling(id, manifest.operatorStates)
    return undefined
  }
  const advice = "Give the state with the save, or set stateChecksum to null and leave stateSize out"
  if (stateChecksum === null) throw invalid(id, `stateSize is ${stateSize}, but there is no stateChecksum. ${advice}`)
  const stored = await storage.digest(layout.stateKey(id), { signal })
  if (stored === undefined) throw invalid(id, `it names a state by stateChecksum, and none was written. ${advice}`)
  if (stored.hex() !== stateChecksum)
    throw invalid(id, `the state that was written has checksum ${stored.hex()}. ${advice}`)
  return { checksum: stateChecksum, size: stored.size }
}

/** An external operator without a state to lie in comes from spreading another checkpoint's manifest. */
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

export interface SaveOptions extends OperationOptions, ProgressOptions {
  /** The whole `state.bin`, in a form of your own. Give this or `operators`. */
  state?: StateSource | undefined
  /** One state per operator; small ones are kept inside the manifest, see `inlineThreshold`. */
  operators?: Readonly<Record<string, StateSource>> | undefined
  /** Bytes up to which an operator's state goes into the manifest, default 64 KiB (4 MiB for all of them together). */
  inlineThreshold?: number | undefined
}

/** Checks what can only be known with the state's size at hand: ranges that the caller gave by hand. */
function assertSavable(manifest: CheckpointManifest, verifier: Verifier): void {
  const fatal = verifier.validate(manifest).find((issue) => issue.severity === "fatal")
  if (fatal === undefined) return
  throw new CheckpointError(
    "CKPT_INVALID",
    `checkpoint ${manifest.checkpointId} would not verify: ${fatal.message}. Nothing was written; correct the manifest.`,
    {
      checkpointId: manifest.checkpointId,
    },
  )
}
