import { Follower } from "../async/abort.js"
import { CheckpointError } from "../errors.js"
import type { Emit } from "../events.js"
import { latestFirst } from "../format/ids.js"
import type { CheckpointManifest } from "../format/manifest/model.js"
import type { ValidationIssue } from "../format/manifest/validate.js"
import { isLost, type Pointer } from "../format/pointer.js"
import type { HistoryContext } from "../history/context.js"
import type { Survey } from "../history/listing.js"
import { counts, isOfHistory } from "../history/rule.js"
import { isBehind, nextIdAfter, stillCounts } from "../history/view.js"
import type { ProgressOptions } from "../options.js"
import { type Checkpoint, type CheckpointOptions, openCheckpoint } from "../state/checkpoint.js"
import { type Examination, examine, unreadable, type VerifyDepth } from "../verify/verify.js"
import { ManifestsAhead } from "./prefetch.js"

export interface Skipped {
  /** Absent where the name holds no id that a number can hold. */
  readonly id?: number
  readonly key: string
  readonly issues: readonly ValidationIssue[]
}

export interface RecoveryFacts {
  /** Newer ones that were passed over, latest first, each with its issues. */
  readonly skipped: readonly Skipped[]
  /** Checkpoints looked at, the recovered one included. */
  readonly examined: number
  /** The lowest id above everything ever seen here. */
  readonly nextId: number
  readonly elapsedMs: number
}

/**
 * - `recovered`: the latest checkpoint that verifies.
 * - `fresh`: there is no manifest and no pointer; nothing was ever saved here.
 * - `exhausted`: something was saved here, and nothing verifies. Not a fresh start.
 */
export type Recovery = RecoveryFacts &
  (
    | { readonly outcome: "recovered"; readonly checkpoint: Checkpoint }
    | { readonly outcome: "fresh" | "exhausted"; readonly checkpoint?: undefined }
  )

/** Progress is told in the phase `verify`, while a state is read. */
export interface RecoverOptions extends ProgressOptions {
  /** `"deep"` (default) reads every state before it is trusted; `"shallow"` trusts sizes, and the state verifies when it is read. */
  depth?: VerifyDepth
  /** Says whether a checkpoint that verifies is also wanted (its pipeline hash, say). Its own errors reach the caller unchanged. */
  accept?: (manifest: CheckpointManifest) => boolean | Promise<boolean>
  signal?: AbortSignal | undefined
}

export interface RecoverContext extends HistoryContext {
  readonly emit: Emit
  readonly monotonic: () => number
  /** Remembers what a look at the state found, so that retention does not count on a damaged one. */
  readonly remember: (examination: Examination, depth: VerifyDepth) => void
}

// A checkpoint that vanishes while it is examined makes the walk start again; so often only retention at full speed does it.
export const maxRounds = 8

/** What came of a checkpoint that verifies: it is the one, it was pruned meanwhile, or it has issues after all. */
export type Visited = "done" | "gone" | readonly ValidationIssue[]

/** Walks from the latest checkpoint to the oldest until one verifies. Damage is passed over, an outage rejects. */
export function recover(context: RecoverContext, options: RecoverOptions): Promise<Recovery> {
  return walk(context, options, async () => "done")
}

export interface WalkOptions extends RecoverOptions {
  /** For the readers of what is visited. */
  readers?: Pick<CheckpointOptions, "onProgress" | "signal">
}

/** The walk, with a last word on what verifies. */
export async function walk(
  context: RecoverContext,
  options: WalkOptions,
  visit: (checkpoint: Checkpoint) => Promise<Visited>,
): Promise<Recovery> {
  const started = context.monotonic()
  const depth = options.depth ?? "deep"
  let before: Pointer | undefined
  let elsewhere: Promise<string | undefined> | undefined
  for (let round = 1; ; round++) {
    const survey = await context.surveyor.everything(options.signal)
    // A listing that is behind is made again, once for each pointer that shows it.
    const relist = (pointer: Pointer) => before === undefined || pointer.version !== before.version
    const walked = await walkOnce(context, survey, { ...options, depth }, relist, visit)
    before = walked.pointer
    if (walked.result === "stale") {
      if (round < maxRounds) continue
      throw restless(context)
    }
    // What was listed a moment ago may not be all there is: before the worst is said, look once more.
    if (walked.checkpoint === undefined && round === 1) {
      elsewhere = context.surveyor.elsewhere(options.signal)
      elsewhere.catch(() => {})
      continue
    }
    const { checkpoint, skipped, examined, pointer } = walked
    for (const skip of skipped) context.emit({ type: "skipped", ...skip })
    const facts = {
      skipped,
      examined,
      nextId: nextIdAfter(survey, pointer, context.emit, checkpoint?.id),
      elapsedMs: context.monotonic() - started,
    }
    if (checkpoint !== undefined) {
      context.emit({ type: "recovered", id: checkpoint.id, skipped: skipped.length, elapsedMs: facts.elapsedMs })
      return { ...facts, outcome: "recovered", checkpoint }
    }
    const nothingSaved =
      pointer.writer !== undefined && !isLost(pointer)
        ? pointer.checkpointId === 0 && examined === 0
        : survey.manifests.size === 0 && !pointer.exists
    const fresh = nothingSaved && survey.beyond.length === 0
    const other = fresh ? (survey.elsewhere ?? (await elsewhere)) : undefined
    if (other !== undefined) throw otherLayout(context, other)
    return { ...facts, outcome: fresh ? "fresh" : "exhausted" }
  }
}

interface Walk {
  readonly result: "done" | "stale"
  readonly checkpoint?: Checkpoint
  readonly skipped: Skipped[]
  readonly examined: number
  readonly pointer: Pointer
}

async function walkOnce(
  context: RecoverContext,
  survey: Survey,
  options: WalkOptions & { depth: VerifyDepth },
  relist: (pointer: Pointer) => boolean,
  visit: (checkpoint: Checkpoint) => Promise<Visited>,
): Promise<Walk> {
  const { layout } = context
  const skipped: Skipped[] = survey.beyond.map((meta) => ({
    key: meta.key,
    issues: [
      {
        severity: "fatal",
        code: "number-unsafe",
        message: "the id in this name is beyond 2^53 - 1; use a newer tool to read it",
      },
    ],
  }))
  let examined = skipped.length
  const stop = new Follower(options.signal)
  const { depth, onProgress } = options
  const look = (id: number) =>
    examine(context, id, { depth, listed: survey.states.get(id) ?? null, signal: stop.signal, onProgress })
  try {
    options.signal?.throwIfAborted()
    const ids = latestFirst(survey.manifests.keys())
    // The pointer is read after the listing ended, at the same time as the latest checkpoint.
    const latest = ids[0] === undefined ? undefined : look(ids[0])
    latest?.catch(() => {})
    const pointer = await context.pointer.read(options.signal, survey.claims)
    const walk = { skipped, examined, pointer }
    if (relist(pointer) && isBehind(survey, pointer)) return { ...walk, result: "stale" }
    const counting = ids.filter((id) => counts(id, pointer))
    const ahead = new ManifestsAhead(context, counting, stop.signal)
    for (const [place, id] of counting.entries()) {
      const seen = await ahead.take(id)
      if (seen?.manifest !== undefined && !isOfHistory(id, seen.manifest.writer?.epoch, pointer)) continue
      const isUnreadable = seen !== undefined && seen.manifest === undefined
      const looking = isUnreadable ? unreadable(id, seen) : id === ids[0] ? latest : look(id)
      // The latest is the one, nearly always, and then nothing else is read.
      if (place > 0) ahead.readBehind(place)
      const found = await looking
      if (found === undefined || found.gone) return { ...walk, result: "stale", examined }
      // What a superseded writer wrote is no checkpoint of this history.
      if (!isOfHistory(id, found.manifest?.writer?.epoch, pointer)) continue
      const read = { manifest: found.manifest, meta: found.manifestMeta }
      if (!(await stillCounts(context, survey, id, read, options.signal))) return { ...walk, result: "stale", examined }
      examined++
      context.remember(found, options.depth)
      let { issues } = found
      if (found.valid && found.manifest !== undefined) {
        if (options.accept === undefined || (await options.accept(found.manifest))) {
          const checkpoint = openCheckpoint(context, found.manifest, { ...options.readers, stateMeta: found.stateMeta })
          const visited = await visit(checkpoint)
          if (visited === "gone") return { ...walk, result: "stale", examined }
          if (visited === "done") {
            if (issues.length > 0) context.emit({ type: "manifest-warnings", id, issues })
            return { ...walk, result: "done", checkpoint, examined }
          }
          context.remember({ ...found, valid: false }, "deep")
          issues = [...issues, ...visited]
        } else
          issues = [...issues, { severity: "warning", code: "not-accepted", message: "the caller did not accept it" }]
      }
      skipped.push({ id, key: layout.manifestKey(id), issues })
    }
    return { ...walk, result: "done", examined }
  } finally {
    stop.abort()
    stop.leave()
  }
}

function otherLayout({ layout, storage }: RecoverContext, key: string): CheckpointError {
  const other = layout.name === "objects" ? "directory" : "objects"
  const message =
    `nothing was saved on ${storage.backend.name} in the layout "${layout.name}", but ${key} is of the layout "${other}". ` +
    `Open the store with layout: "${other}", or use another place to start anew.`
  return new CheckpointError("CKPT_INVALID", message, { backend: storage.backend.name, key })
}

export function restless({ storage }: RecoverContext): CheckpointError {
  const message = `checkpoints on ${storage.backend.name} were removed faster than they could be read, ${maxRounds} times over. Try again.`
  return new CheckpointError("CKPT_IO", message, { backend: storage.backend.name, retryable: true })
}
