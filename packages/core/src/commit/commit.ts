import type { Queue } from "../async/mutex.js"
import { BackendError, CheckpointError } from "../errors.js"
import { withoutMark } from "../format/manifest/claim-mark.js"
import { decodeManifest, encodeManifest } from "../format/manifest/decode.js"
import { type CheckpointManifest, MAX_MANIFEST_BYTES, type WriterStamp } from "../format/manifest/model.js"
import { validateManifest } from "../format/manifest/validate.js"
import { counts, noPointer, type Pointer } from "../format/pointer.js"
import { claimsInPointer } from "../history/claim.js"
import type { Surveyor } from "../history/listing.js"
import type { Advance, PointerFile } from "../history/pointer-file.js"
import type { StateFeed, StateInfo } from "../state/feed.js"
import type { ObjectMeta } from "../storage/backend.js"
import { isTimeout, type Watch } from "../storage/retry.js"
import { bytesBody } from "../storage/storage.js"
import type { ExamineContext } from "../verify/verify.js"
import type { IdOrder } from "./id-order.js"

export interface HistoryContext extends ExamineContext {
  readonly pointer: PointerFile
  /** Pins and removals, where the pointer cannot keep them apart. */
  readonly removals: Queue
  readonly surveyor: Surveyor
}

export interface CommitContext extends HistoryContext {
  /** What a writer that claimed puts into its manifests. */
  readonly stamp?: WriterStamp | undefined
  readonly order: IdOrder
}

export interface Commit {
  readonly id: number
  /** The state to write, if there is one that is not there yet. */
  readonly feed: StateFeed | undefined
  /** The manifest, once the state was written and is known. */
  manifest(state: StateInfo | undefined): CheckpointManifest
  readonly signal: AbortSignal | undefined
}

export interface Committed {
  readonly outcome: "created" | "unchanged"
  readonly isLatest: boolean
  readonly manifest: CheckpointManifest
  /** The pointer as it was when the save was acknowledged. */
  readonly pointer: Pointer
}

/**
 * The commit: state, then manifest, each created only if nothing is there, then the pointer. It never overwrites and
 * never deletes, whatever happens. Each step has a schedule in which leaving it out loses data.
 */
export async function commit(context: CommitContext, job: Commit): Promise<Committed> {
  try {
    return await (context.pointer.writer === undefined ? commitPlainly(context, job) : commitAsLeader(context, job))
  } catch (error) {
    // It may be a successor who has the id, or marked what is there; then another id would not help.
    if (error instanceof CheckpointError && error.code === "CKPT_CONFLICT") await assertStillLeads(context, job.signal)
    throw error
  }
}

async function assertStillLeads(context: CommitContext, signal: AbortSignal | undefined): Promise<void> {
  if (!claimsInPointer(context)) return
  const current = await context.pointer.read(signal).catch(() => undefined)
  if (current !== undefined) context.pointer.assertLeads(current)
}

/** The commit of a store that did not claim: the manifest decides. */
async function commitPlainly(context: CommitContext, job: Commit): Promise<Committed> {
  const atOnce = await commitAtOnce(context, job)
  if (atOnce !== undefined) return atOnce
  const state = job.feed === undefined ? undefined : await createState(context, job.id, job.feed, job.signal)
  const manifest = job.manifest(state)
  const outcome = await createManifestObject(context, manifest, job.signal)
  return acknowledge(context, manifest, outcome)
}

/**
 * The commit of a writer that claimed: the pointer's swap decides, and only upwards, so saves swap in the order of their
 * ids. Once the manifest is there, a failure of the swap leaves it open whether the checkpoint counts: a later swap of this
 * writer would take it along.
 */
async function commitAsLeader(context: CommitContext, job: Commit): Promise<Committed> {
  const { id, feed, signal } = job
  const leave = context.order.enter(id)
  try {
    const before = await context.pointer.lastSeen(signal)
    context.pointer.assertLeads(before)
    const state = feed === undefined ? undefined : await createState(context, id, feed, signal)
    const manifest = job.manifest(state)
    await context.order.turn(id, signal)
    const current = await context.pointer.lastSeen(signal)
    if (id <= current.checkpointId) return await alreadyCommitted(context, manifest, signal)
    const outcome = await createManifestObject(context, manifest, signal)
    return await acknowledge(context, manifest, outcome)
  } finally {
    leave()
  }
}

/** At or below the pointer only what is there can be saved again. */
async function alreadyCommitted(
  context: CommitContext,
  manifest: CheckpointManifest,
  signal: AbortSignal | undefined,
): Promise<Committed> {
  const id = manifest.checkpointId
  const pointer = await context.pointer.read(signal)
  context.pointer.assertLeads(pointer)
  const looked = new BackendError("precondition", "it is not above the pointer")
  const found = await settleManifest(context, manifest, encodeManifest(manifest), signal, looked)
  if (found === "absent" || !counts(id, pointer)) {
    throw conflict(context, id, `the pointer is at ${pointer.checkpointId}, and a writer that claimed goes up only`)
  }
  return { outcome: "unchanged", isLatest: pointer.checkpointId === id, manifest, pointer }
}

/** Where the backend can make state, manifest and pointer appear together. `undefined`: it cannot, nothing was touched. */
async function commitAtOnce(context: CommitContext, job: Commit): Promise<Committed | undefined> {
  const { storage, layout, pointer } = context
  const { backend } = storage
  const { id, feed, signal } = job
  const commitOf = backend.commit
  if (commitOf === undefined) return undefined
  let manifest: CheckpointManifest | undefined
  let moved = false
  let seen: Pointer = noPointer

  const attempt = async (s: AbortSignal, watch: Watch): Promise<ObjectMeta[] | "unsupported"> => {
    const state = feed === undefined ? [] : [{ key: layout.stateKey(id), body: feed.open(watch) }]
    return await commitOf.call(
      backend,
      {
        create: [
          ...state,
          {
            key: layout.manifestKey(id),
            body: () => {
              manifest = job.manifest(feed?.info())
              return [encodeManifest(manifest)]
            },
          },
        ],
        pointer: {
          key: layout.pointerKey,
          decide(current) {
            seen = current === undefined ? noPointer : pointer.decode(current.bytes, current.version)
            moved = seen.checkpointId < id && seen.writer === undefined
            return moved ? pointer.encodeFor(seen, id) : undefined
          },
        },
      },
      { signal: s },
    )
  }

  let result: ObjectMeta[] | "unsupported"
  try {
    result = await storage.write(
      "commit",
      layout.manifestKey(id),
      signal,
      attempt,
      () => feed === undefined || feed.reopenable(),
    )
  } catch (error) {
    pointer.forget()
    if (!(error instanceof BackendError)) throw error
    if (error.kind !== "precondition" && error.kind !== "ambiguous") throw error
    if (error.kind === "ambiguous" && error.unsettleable) throw unknownOutcome(context, id, error)
    // Another writer made this id appear meanwhile, or an answer was lost: what is there now decides.
    await feed?.drain()
    const stateIsThere = feed === undefined || (await settleState(context, id, feed.info(), signal, error))
    manifest = job.manifest(feed?.info())
    const outcome = await settleManifest(context, manifest, encodeManifest(manifest), signal, error)
    if (stateIsThere && outcome !== "absent") return acknowledge(context, manifest, outcome)
    throw error.kind === "ambiguous"
      ? unknownOutcome(context, id, error)
      : conflict(context, id, "another writer is at it")
  }
  if (result === "unsupported") return undefined
  pointer.forget()
  if (manifest === undefined) throw new Error(`backend ${backend.name} committed checkpoint ${id} without its manifest`)
  if (layout.pointerFormat === "json") pointer.assertLeads(seen)
  if (!moved && layout.pointerFormat === "json") return acknowledge(context, manifest, "created")
  if (!counts(id, seen)) throw conflict(context, id, `retention removed ids up to ${seen.floor}`)
  if (moved) seen = { ...seen, checkpointId: id }
  return { outcome: "created", isLatest: moved || seen.checkpointId === id, manifest, pointer: seen }
}

/** Moves the pointer and reads the floor: only an id above it may be acknowledged. */
async function acknowledge(
  context: CommitContext,
  manifest: CheckpointManifest,
  outcome: "created" | "unchanged",
): Promise<Committed> {
  const id = manifest.checkpointId
  let advance: Advance
  try {
    advance = await context.pointer.advance(id)
  } catch (error) {
    if (!(error instanceof BackendError)) throw error
    // The manifest is older than the claim of whoever leads now, who has it too; only the hint cannot be moved any more.
    if (error.kind === "fenced") return { outcome, isLatest: false, manifest, pointer: noPointer }
    throw unknownOutcome(context, id, error)
  }
  if (!counts(id, advance.pointer)) throw conflict(context, id, `retention removed ids up to ${advance.pointer.floor}`)
  return { outcome, isLatest: advance.isLatest, manifest, pointer: advance.pointer }
}

/**
 * Writes a state if none is there. One that is there already is taken over if it has the same bytes.
 *
 * @throws {CheckpointError} `CKPT_CONFLICT` if it has others: the id is burnt
 */
export async function createState(
  context: CommitContext,
  id: number,
  feed: StateFeed,
  signal: AbortSignal | undefined,
): Promise<StateInfo> {
  const key = context.layout.stateKey(id)
  const lostAnswers = context.storage.lostAnswers(key)
  for (;;) {
    try {
      await context.storage.put(key, feed, { when: "absent", signal })
      return feed.info()
    } catch (error) {
      signal?.throwIfAborted()
      if (!(error instanceof BackendError)) throw error
      if (error.kind !== "precondition" && error.kind !== "ambiguous") throw error
      if (error.unsettleable) throw unknownOutcome(context, id, error)
      await feed.drain()
      if (await settleState(context, id, feed.info(), signal, error)) return feed.info()
      // Nothing is there, and no manifest names this state yet: the save failed for certain, or can be tried again.
      if (!feed.reopenable() || !(await lostAnswers.tryAgain(error, signal))) {
        const message = `the state of checkpoint ${id} could not be written: ${error.message}. Take nextId() and save again.`
        throw new CheckpointError(isTimeout(error) ? "CKPT_TIMEOUT" : "CKPT_IO", message, {
          ...place(context, id),
          key,
          retryable: true,
          cause: error,
        })
      }
    }
  }
}

/** True: our bytes are there. False: nothing is there. */
async function settleState(
  context: CommitContext,
  id: number,
  ours: StateInfo,
  signal: AbortSignal | undefined,
  cause: BackendError,
): Promise<boolean> {
  const key = context.layout.stateKey(id)
  let stored: { size: number; hex(): string } | undefined
  try {
    stored = await context.storage.digest(key, { signal })
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof BackendError && error.kind === "damaged")
      throw conflict(context, id, `its state cannot be read (${error.message})`)
    throw unknownOutcome(context, id, cause)
  }
  if (stored === undefined) return false
  if (stored.size === ours.size && stored.hex() === ours.checksum) return true
  throw conflict(context, id, "a state with other bytes is there")
}

async function createManifestObject(
  context: CommitContext,
  manifest: CheckpointManifest,
  signal: AbortSignal | undefined,
): Promise<"created" | "unchanged"> {
  const { storage, layout } = context
  const id = manifest.checkpointId
  const bytes = encodeManifest(manifest)
  const lostAnswers = storage.lostAnswers(layout.manifestKey(id))
  for (let attempt = 1; ; attempt++) {
    let failure: BackendError
    try {
      await storage.put(layout.manifestKey(id), bytesBody(bytes), { when: "absent", signal })
      return "created"
    } catch (error) {
      if (!(error instanceof BackendError)) throw error
      failure = error
    }
    if (failure.kind !== "precondition" && failure.kind !== "ambiguous") {
      // An earlier attempt of ours may still land.
      throw attempt > 1 ? unknownOutcome(context, id, failure) : failure
    }
    if (failure.unsettleable) throw unknownOutcome(context, id, failure)
    // After a lost answer what refuses us may be our own manifest, updated since.
    const unclear = attempt > 1 && failure.kind === "precondition"
    const cause = unclear ? new BackendError("ambiguous", failure.message, { cause: failure }) : failure
    const settled = await settleManifest(context, manifest, bytes, signal, cause)
    // What reads back as ours after a lost answer was created by us, as far as anyone can tell.
    if (settled !== "absent") return attempt > 1 ? "created" : settled
    if (failure.kind === "precondition") throw conflict(context, id, "it was there and was removed meanwhile")
    // A late request of ours may still land. Above every other id that does no harm; below one, it could come up after
    // retention decided without it.
    if (!(await lostAnswers.tryAgain(failure, signal)) || (await higherIdExists(context, id, signal)))
      throw unknownOutcome(context, id, failure)
  }
}

async function higherIdExists(context: CommitContext, id: number, signal: AbortSignal | undefined): Promise<boolean> {
  const survey = await context.surveyor.manifests(signal).catch((error: unknown) => {
    throw error instanceof BackendError ? unknownOutcome(context, id, error) : error
  })
  for (const other of survey.manifests.keys()) if (other > id) return true
  return false
}

/** What a failed create left: our bytes, nothing, or (rejecting) another's. */
async function settleManifest(
  context: CommitContext,
  manifest: CheckpointManifest,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
  cause: BackendError,
): Promise<"created" | "unchanged" | "absent"> {
  const id = manifest.checkpointId
  const key = context.layout.manifestKey(id)
  let stored: Awaited<ReturnType<typeof context.storage.readBytes>>
  try {
    stored = await context.storage.readBytes(key, MAX_MANIFEST_BYTES, signal)
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof BackendError && error.kind === "damaged")
      throw conflict(context, id, `its manifest cannot be read (${error.message})`)
    throw unknownOutcome(context, id, cause)
  }
  if (stored === undefined) return "absent"
  if (stored.bytes !== undefined) {
    const isOurs = (one: Uint8Array) => Buffer.from(bytes).equals(one)
    const ours = cause.kind === "ambiguous" ? "created" : "unchanged"
    if (isOurs(stored.bytes)) return ours
    const there = decodeManifest(stored.bytes)
    const unmarked = withoutMark(there)
    if (unmarked !== undefined && isOurs(unmarked)) return ours
    // Ours may have landed and been updated since by another writer: then this is no conflict.
    if (cause.kind === "ambiguous" && there.manifest?.updateToken !== undefined)
      throw unknownOutcome(context, id, cause)
  }
  throw conflict(context, id, "a manifest with other content is there")
}

/** Checks what can only be known with the state's size at hand: ranges that the caller gave by hand. */
export function assertSavable(manifest: CheckpointManifest, vnodeCount: number): void {
  const fatal = validateManifest(manifest, { vnodeCount }).find((issue) => issue.severity === "fatal")
  if (fatal === undefined) return
  throw new CheckpointError(
    "CKPT_INVALID",
    `checkpoint ${manifest.checkpointId} would not verify: ${fatal.message}. Nothing was written; correct the manifest.`,
    {
      checkpointId: manifest.checkpointId,
    },
  )
}

function place(context: CommitContext, id: number) {
  return { checkpointId: id, key: context.layout.manifestKey(id), backend: context.storage.backend.name }
}

export function conflict(context: CommitContext, id: number, why: string): CheckpointError {
  const message = `checkpoint ${id} is taken: ${why}. This id is burnt; take nextId() and save again.`
  return new CheckpointError("CKPT_CONFLICT", message, place(context, id))
}

export function unknownOutcome(context: CommitContext, id: number, cause: unknown): CheckpointError {
  const message =
    `nobody knows whether checkpoint ${id} was written: ${cause instanceof Error ? cause.message : String(cause)}. ` +
    "It may become visible later. Save the same manifest again to find out, or take nextId()."
  return new CheckpointError("CKPT_UNKNOWN_OUTCOME", message, { ...place(context, id), retryable: true, cause })
}
