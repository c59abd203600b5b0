import { systemClock } from "../async/clock.js"
import { requestConcurrency } from "../async/concurrency.js"
import { KeyedMutex, Mutex } from "../async/mutex.js"
import { commit } from "../commit/commit.js"
import { createState } from "../commit/create-state.js"
import { IdOrder } from "../commit/id-order.js"
import type { CommitContext } from "../commit/job.js"
import { prepareSave, type SaveOptions } from "../commit/prepare.js"
import { type Change, update } from "../commit/update.js"
import { CheckpointError } from "../errors.js"
import { type Emit, safeEmitter } from "../events.js"
import { oldestFirst } from "../format/ids.js"
import { createLayout, type Layout, normalizePrefix } from "../format/layout.js"
import { type CheckpointManifest, DEFAULT_VNODE_COUNT } from "../format/manifest/model.js"
import { type ValidationIssue, validateManifest } from "../format/manifest/validate.js"
import type { Pin, Pointer } from "../format/pointer.js"
import { type Claimed, claim } from "../history/claim.js"
import { claimsInPointer, type RetentionContext } from "../history/context.js"
import { Surveyor } from "../history/listing.js"
import { assertPinName, listPins, pin, unpin } from "../history/pin.js"
import { PointerFile } from "../history/pointer-file.js"
import { counts, countsAs } from "../history/rule.js"
import { type CheckpointSummary, counting, type Summarized, stillCounting, summaries } from "../history/summary.js"
import { mustListAgain, nextIdAfter, pinsOf } from "../history/view.js"
import type { OperationOptions, ProgressOptions } from "../options.js"
import { findLatest } from "../recovery/latest.js"
import { type RecoverContext, type RecoverOptions, type Recovery, recover } from "../recovery/recover.js"
import { type Restored, type RestoreOptions, restore } from "../recovery/restore.js"
import { BackgroundRetention } from "../retention/background.js"
import { type CollectOptions, collectOrphans, type OrphanReport } from "../retention/orphans.js"
import { checkPolicy, type RetentionPolicy } from "../retention/policy.js"
import { type PruneOptions, type PruneReport, prune } from "../retention/prune.js"
import { removeOne } from "../retention/remove.js"
import type { Checkpoint } from "../state/checkpoint.js"
import { openFeed, type StateInfo } from "../state/feed.js"
import { WriteProgress } from "../state/progress.js"
import { openState, type ReadStateOptions, type StateReader, stateSlice } from "../state/reader.js"
import type { StateSource } from "../state/source.js"
import { probeConditions } from "../storage/probe.js"
import { retryPolicy } from "../storage/retry.js"
import { Storage } from "../storage/storage.js"
import { type FoundManifest, ownsState, readManifest } from "../verify/read-manifest.js"
import { type Examination, examine, type Verification, type VerifyDepth, type VerifyOptions } from "../verify/verify.js"
import type { CheckpointStore, OpenOptions, SaveReceipt } from "./api.js"
import { Boundary } from "./calls.js"

// States written ahead whose save did not come yet; far more than any job has under way.
const maxStatesAhead = 1_024

/** Opens a store. Nothing is created, read or probed before the first call needs it. */
export async function openCheckpointStore(options: OpenOptions): Promise<CheckpointStore> {
  return new Store(options)
}

class Store implements CheckpointStore {
  readonly #backendName: string
  readonly #dispose: (() => PromiseLike<void>) | undefined
  readonly #layout: Layout
  readonly #storage: Storage
  readonly #context: RecoverContext & RetentionContext & CommitContext
  readonly #emit: Emit
  readonly #retain: RetentionPolicy | undefined
  readonly #monotonic: () => number
  /** States that `writeState` wrote ahead of their manifest. */
  readonly #statesAhead = new Map<number, StateInfo>()
  /** What a deep look found damaged, by the checksum that it should have: the manifest alone does not show it. */
  readonly #damagedStates = new Map<number, string | null>()
  readonly #boundary: Boundary
  readonly #retention: BackgroundRetention | undefined
  /** Updates of one checkpoint, one after the other: racing ourselves would only lose swaps. */
  readonly #updates = new KeyedMutex<number>()
  #probe: Promise<void> | undefined
  #closed: Promise<void> | undefined

  readonly #options: OpenOptions

  constructor(options: OpenOptions, claimed?: Claimed) {
    this.#options = options
    const { backend, ownsBackend, clock = systemClock, random = Math.random } = options
    const vnodeCount = options.expect?.vnodeCount ?? DEFAULT_VNODE_COUNT
    if (!Number.isSafeInteger(vnodeCount) || vnodeCount < 1 || vnodeCount > 65_535) {
      throw new CheckpointError(
        "CKPT_INVALID",
        `expect.vnodeCount is ${vnodeCount}; give a whole number from 1 to 65535.`,
      )
    }
    this.#backendName = backend.name
    this.#dispose = ownsBackend === true ? () => backend[Symbol.asyncDispose]() : undefined
    const name = options.layout ?? "objects"
    this.#layout = createLayout(name, options.prefix)
    this.#emit = safeEmitter(options.onEvent)
    const retain = options.retain === undefined ? undefined : checkPolicy(options.retain)
    this.#retain = retain
    if (retain !== undefined) this.#retention = new BackgroundRetention(() => this.#prune(retain, {}), this.#emit)
    this.#boundary = new Boundary(backend.name, options.readOnly ?? false)
    this.#monotonic = () => clock.monotonic()
    const policy = retryPolicy(options.retry, options.timeoutMs)
    this.#storage = new Storage(backend, { policy, clock, random, emit: this.#emit })
    const other = createLayout(name === "objects" ? "directory" : "objects", options.prefix)
    const surveyor = new Surveyor(this.#storage, this.#layout, other, this.#emit)
    this.#context = {
      storage: this.#storage,
      layout: this.#layout,
      vnodeCount,
      pointer: new PointerFile(this.#storage, this.#layout, this.#emit, claimed?.writer, (signal) =>
        surveyor.claims(signal),
      ),
      stamp: claimed && { ...claimed.writer, from: claimed.from },
      order: new IdOrder(),
      removals: new Mutex(),
      surveyor,
      emit: this.#emit,
      monotonic: this.#monotonic,
      remember: (examination, depth) => this.#remember(examination, depth),
      isDistrusted: ({ id, manifest }) =>
        manifest !== undefined && this.#damagedStates.get(id) === manifest.stateChecksum,
    }
  }

  #remember({ id, manifest, valid }: Examination, depth: VerifyDepth): void {
    if (depth !== "deep" || manifest === undefined) return
    if (valid) this.#damagedStates.delete(id)
    else this.#damagedStates.set(id, manifest.stateChecksum)
  }

  // ---- writing

  save(manifest: CheckpointManifest, options: SaveOptions = {}): Promise<SaveReceipt> {
    return this.#boundary.write("save", manifest?.checkpointId, options, async (trace) => {
      const started = this.#monotonic()
      const job = await prepareSave(this.#context, manifest, options, this.#statesAhead)
      try {
        await this.#probeOnce(options.signal)
        const done = await commit(this.#context, job)
        job.saved()
        const { checkpointId: id, stateChecksum, stateSize = 0 } = done.manifest
        trace.bytes = stateSize
        const elapsedMs = this.#monotonic() - started
        this.#emit({ type: "saved", id, outcome: done.outcome, isLatest: done.isLatest, stateSize, elapsedMs })
        if (!done.isLatest && done.pointer.checkpointId > id) {
          this.#emit({ type: "pointer-superseded", id, current: done.pointer.checkpointId })
        }
        this.#retention?.schedule()
        const state = stateChecksum === null ? {} : { stateChecksum, stateSize }
        return { id, outcome: done.outcome, isLatest: done.isLatest, ...state }
      } finally {
        job.close()
      }
    })
  }

  writeState(id: number, state: StateSource, options: OperationOptions & ProgressOptions = {}): Promise<StateInfo> {
    return this.#boundary.write("writeState", id, options, async (trace) => {
      assertId(id, 1)
      const progress = new WriteProgress(options.onProgress)
      const feed = progress.watch(await openFeed(state, options.signal))
      let info: StateInfo
      try {
        await this.#probeOnce(options.signal)
        info = await createState(this.#context, id, feed, options.signal)
      } finally {
        feed.close()
      }
      progress.end(info)
      trace.bytes = info.size
      this.#statesAhead.delete(id)
      this.#statesAhead.set(id, info)
      for (const oldest of this.#statesAhead.keys()) {
        if (this.#statesAhead.size <= maxStatesAhead) break
        this.#statesAhead.delete(oldest)
      }
      return info
    })
  }

  update(id: number, change: Change, options: OperationOptions = {}): Promise<CheckpointManifest> {
    return this.#boundary.write("update", id, options, async () => {
      assertId(id, 1)
      const changed = await this.#updates.run(id, () => update(this.#context, id, change, options.signal))
      this.#emit({ type: "updated", id })
      return changed
    })
  }

  claim(options: OperationOptions = {}): Promise<CheckpointStore> {
    return this.#boundary.write("claim", undefined, options, async () => {
      const { backend } = this.#storage
      if (!claimsInPointer(this.#context) && backend.claim !== undefined) {
        const claimed = await backend.claim({
          prefix: normalizePrefix(this.#options.prefix ?? ""),
          signal: options.signal,
        })
        this.#emit({ type: "claimed", epoch: claimed.epoch })
        return new Store({ ...this.#options, backend: claimed.backend, ownsBackend: true })
      }
      await this.#probeOnce(options.signal)
      const claimed = await claim(this.#context, options.signal)
      this.#emit({ type: "claimed", epoch: claimed.writer.epoch, from: claimed.from })
      // The backend stays with the store that it came with.
      return new Store({ ...this.#options, ownsBackend: false }, claimed)
    })
  }

  remove(id: number, options: OperationOptions = {}): Promise<boolean> {
    return this.#boundary.write("remove", id, options, async () => {
      assertId(id, 0)
      await this.#retention?.idle()
      const removed = await removeOne(this.#context, id, options.signal)
      if (removed) this.#emit({ type: "pruned", removed: [id], failures: 0 })
      return removed
    })
  }

  pin(id: number, name: string, options: OperationOptions = {}): Promise<void> {
    return this.#boundary.write("pin", id, options, async () => {
      assertId(id, 1)
      assertPinName(name)
      await this.#probeOnce(options.signal)
      await pin(this.#context, id, name, options.signal)
      this.#emit({ type: "pinned", id, name })
    })
  }

  unpin(name: string, options: OperationOptions = {}): Promise<boolean> {
    return this.#boundary.write("unpin", undefined, options, async () => {
      assertPinName(name)
      const found = await unpin(this.#context, name, options.signal)
      if (found) this.#emit({ type: "unpinned", name })
      return found
    })
  }

  pins(options: OperationOptions = {}): Promise<Pin[]> {
    return this.#boundary.run("pins", undefined, options, () => listPins(this.#context, options.signal))
  }

  prune(policy: RetentionPolicy | undefined = this.#retain, options: PruneOptions = {}): Promise<PruneReport> {
    const enter = options.dryRun === true ? "run" : "write"
    return this.#boundary[enter]("prune", undefined, options, async () => {
      if (policy === undefined) {
        throw new CheckpointError(
          "CKPT_INVALID",
          "prune needs a policy such as { last: 3 }, or a store opened with `retain`.",
        )
      }
      checkPolicy(policy)
      await this.#retention?.idle()
      return this.#prune(policy, options)
    })
  }

  async #prune(policy: RetentionPolicy, options: PruneOptions): Promise<PruneReport> {
    const report = await prune(this.#context, policy, options)
    const { removed, failures, dryRun } = report
    if (!dryRun && removed.length + failures.length > 0)
      this.#emit({ type: "pruned", removed, failures: failures.length })
    for (const id of removed) if (!dryRun) this.#damagedStates.delete(id)
    return report
  }

  collectOrphans(options: CollectOptions = {}): Promise<OrphanReport> {
    const enter = options.dryRun === true ? "run" : "write"
    return this.#boundary[enter]("collectOrphans", undefined, options, async () => {
      const report = await collectOrphans(this.#context, options)
      if (!report.dryRun) for (const key of report.removed) this.#emit({ type: "orphan-removed", key })
      return report
    })
  }

  // ---- reading

  load(id: number, options: OperationOptions = {}): Promise<CheckpointManifest | undefined> {
    return this.#boundary.run("load", id, options, async () => {
      assertId(id, 0)
      const found = await readManifest(this.#context, id, options.signal)
      return found !== undefined && (await this.#counts(id, found.manifest, options.signal))
        ? this.#sound(id, found)
        : undefined
    })
  }

  loadLatest(options: OperationOptions = {}): Promise<CheckpointManifest | undefined> {
    return this.#boundary.run("loadLatest", undefined, options, async () => {
      const latest = await findLatest(this.#context, options.signal)
      if (latest === undefined) return undefined
      if (latest.found !== undefined) return this.#sound(latest.id, latest.found)
      const message = `the latest checkpoint, ${latest.key}, has an id beyond 2^53 - 1. Use recover() to go past it.`
      throw new CheckpointError("CKPT_CORRUPT", message, { key: latest.key, backend: this.#backendName })
    })
  }

  /** The manifest, unless it is damaged: what is loaded without recovery must at least be whole. */
  #sound(id: number, { manifest, issues }: FoundManifest): CheckpointManifest {
    const { vnodeCount } = this.#context
    // A legacy manifest does not say how large its state is, so ranges are left to verification.
    const stateSize = manifest?.stateSize ?? Number.MAX_SAFE_INTEGER
    const all: readonly ValidationIssue[] =
      manifest === undefined ? issues : validateManifest(manifest, { vnodeCount, expectedId: id, stateSize })
    const fatal = all.find((issue) => issue.severity === "fatal")
    if (manifest === undefined || fatal !== undefined) {
      const key = this.#layout.manifestKey(id)
      const message = `checkpoint ${id} is damaged: ${fatal?.message}. Use recover() to get the latest one that verifies.`
      throw new CheckpointError("CKPT_CORRUPT", message, { checkpointId: id, key, backend: this.#backendName })
    }
    const warnings = all.filter((issue) => issue.code !== "state-unverified")
    if (warnings.length > 0) this.#emit({ type: "manifest-warnings", id, issues: warnings })
    return manifest
  }

  /**
   * Whether a manifest counts that was read just now. The pointer is read after it, never beside it: an older one may count
   * what came since and was refused.
   */
  async #counts(
    id: number,
    manifest: Pick<CheckpointManifest, "writer"> | undefined,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    if (this.#layout.pointerFormat !== "json") return true
    return countsAs(id, manifest?.writer?.epoch, await this.#context.pointer.read(signal))
  }

  ids(options: OperationOptions = {}): Promise<number[]> {
    return this.#boundary.run("ids", undefined, options, async () => {
      await this.#retention?.idle()
      const { surveyor, pointer } = this.#context
      for (let before: Pointer | undefined; ; ) {
        const survey = await surveyor.manifests(options.signal)
        const current = await pointer.read(options.signal, survey.claims)
        if (!mustListAgain(survey, current, before))
          return oldestFirst(survey.manifests.keys()).filter((id) => counts(id, current))
        before = current
      }
    })
  }

  async *list(options: OperationOptions = {}): AsyncGenerator<CheckpointSummary, void, void> {
    const { surveyor, pointer } = this.#context
    // The generator runs between calls, so each step that reads is an operation of its own.
    const step = <T>(task: () => Promise<T>) => this.#boundary.run("list", undefined, options, task)
    const look = async (before?: Pointer) => {
      const survey = await surveyor.everything(options.signal)
      const ids = oldestFirst(survey.manifests.keys())
      const [first, current] = await Promise.all([
        summaries(this.#context, survey, ids.slice(0, requestConcurrency), options.signal),
        pointer.read(options.signal, survey.claims),
      ])
      if (mustListAgain(survey, current, before)) return { current }
      const pins = pinsOf(survey, current)
      const readPointer = () => pointer.read(options.signal, survey.claims)
      const shown = async (found: readonly Summarized[]) =>
        counting(await stillCounting(found, readPointer), current, pins)
      return { survey, ids, current, shown, first: await shown(first) }
    }
    const { survey, ids, current, shown, first } = await step(async () => {
      await this.#retention?.idle()
      let seen = await look()
      while (seen.survey === undefined) seen = await look(seen.current)
      return seen
    })
    yield* first
    for (let start = requestConcurrency; start < ids.length; start += requestConcurrency) {
      const batch = ids.slice(start, start + requestConcurrency).filter((id) => counts(id, current))
      yield* await step(async () => shown(await summaries(this.#context, survey, batch, options.signal)))
    }
  }

  nextId(options: OperationOptions = {}): Promise<number> {
    return this.#boundary.run("nextId", undefined, options, async () => {
      await this.#retention?.idle()
      const survey = await this.#context.surveyor.everything(options.signal)
      const pointer = await this.#context.pointer.read(options.signal, survey.claims)
      const next = nextIdAfter(survey, pointer, this.#emit)
      if (Number.isSafeInteger(next)) return next
      const message =
        "the ids of this store are used up (2^53 - 1). Remove what has such an id, or start a store elsewhere."
      throw new CheckpointError("CKPT_INVALID", message, { backend: this.#backendName })
    })
  }

  readState(id: number, options: ReadStateOptions = {}): Promise<StateReader | undefined> {
    return this.#boundary.run("readState", id, options, async () => {
      assertId(id, 0)
      const stateKey = this.#layout.stateKey(id)
      const [found, seen] = await Promise.all([
        readManifest(this.#context, id, options.signal),
        this.#storage.head(stateKey, options.signal),
      ])
      const isCounting = found !== undefined && (await this.#counts(id, found.manifest, options.signal))
      // A save or a prune may have passed between the two looks; only one after the manifest tells.
      const meta = seen ?? (found === undefined ? undefined : await this.#storage.head(stateKey, options.signal))
      if (meta === undefined) {
        if (found?.manifest === undefined || ownsState(found.manifest) !== true || !isCounting) return undefined
        const manifestMeta = await this.#storage.head(this.#layout.manifestKey(id), options.signal)
        // Gone, or written anew after the one that was read: either way that one was pruned.
        if (manifestMeta?.version !== found.meta?.version) return undefined
        const message = `the state of checkpoint ${id} is missing. Use recover() to get the latest one that verifies.`
        throw new CheckpointError("CKPT_CORRUPT", message, {
          checkpointId: id,
          key: this.#layout.stateKey(id),
          backend: this.#backendName,
        })
      }
      const manifest = found?.manifest
      const owned = manifest !== undefined && isCounting && ownsState(manifest) !== false
      const size = owned ? (manifest.stateSize ?? meta.size) : meta.size
      const checksum = owned ? (manifest.stateChecksum ?? undefined) : undefined
      return openState(this.#context, id, stateSlice(size, checksum, options), options, owned ? manifest : undefined)
    })
  }

  verify(id: number, options: VerifyOptions = {}): Promise<Verification> {
    return this.#boundary.run("verify", id, options, async () => {
      assertId(id, 0)
      const depth = options.depth ?? "deep"
      const found = await examine(this.#context, id, { depth, signal: options.signal, onProgress: options.onProgress })
      this.#remember(found, depth)
      if (found.gone || (await this.#counts(id, found.manifest, options.signal)))
        return { id, valid: found.valid, issues: found.issues }
      const message = `manifest not found for checkpoint ${id}: retention removed it, or its writer was superseded`
      return { id, valid: false, issues: [{ severity: "fatal", code: "manifest-missing", message }] }
    })
  }

  recover(options: RecoverOptions = {}): Promise<Recovery> {
    return this.#boundary.run("recover", undefined, options, async () => {
      await this.#retention?.idle()
      return recover(this.#context, options)
    })
  }

  restore<T>(visit: (checkpoint: Checkpoint) => Promise<T>, options: RestoreOptions = {}): Promise<Restored<T>> {
    return this.#boundary.run("restore", undefined, options, async () => {
      if (typeof visit !== "function")
        throw new CheckpointError("CKPT_INVALID", "restore needs a function that takes a checkpoint and reads it.")
      await this.#retention?.idle()
      return restore(this.#context, visit, options)
    })
  }

  // ---- life

  close(): Promise<void> {
    this.#closed ??= (async () => {
      await this.#boundary.close()
      await this.#retention?.idle()
      await this.#dispose?.()
    })()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The storage is asked once whether it honours conditions; a question that failed is asked again by the next write. */
  async #probeOnce(signal: AbortSignal | undefined): Promise<void> {
    this.#probe ??= probeConditions(this.#storage, this.#layout, undefined)
    try {
      await this.#probe
    } catch (error) {
      this.#probe = undefined
      throw error
    }
    signal?.throwIfAborted()
  }
}

function assertId(id: unknown, lowest: 0 | 1): asserts id is number {
  if (Number.isSafeInteger(id) && (id as number) >= lowest) return
  const shown = typeof id === "string" ? JSON.stringify(id) : String(id)
  throw new CheckpointError(
    "CKPT_INVALID",
    `checkpoint id ${shown} cannot be used; give a whole number from ${lowest} to 2^53 - 1.`,
  )
}
