import { atOnce, inTurns, isLong } from "../async/turns.js"
import { CheckpointError } from "../errors.js"
import { latestFirst } from "../format/ids.js"
import { fatal, type ValidationIssue } from "../format/manifest/issues.js"
import type { CheckpointManifest } from "../format/manifest/model.js"
import { type History, maxRounds, restless } from "../history/history.js"
import { missing, tellMissing } from "../history/missing.js"
import type { View } from "../history/view.js"
import type { FoundManifest } from "../verify/read-manifest.js"
import type { Verification, VerifyOptions } from "../verify/verified.js"

type Signal = AbortSignal | undefined

/** One manifest; `undefined` if it does not exist or does not count. */
export async function load(history: History, id: number, signal: Signal): Promise<CheckpointManifest | undefined> {
  const found = await history.verifier.manifest(id, signal)
  if (found === undefined || !(await history.counts(id, found.manifest, signal))) return undefined
  return sound(history, id, found, signal)
}

/** The latest manifest that counts. It is found by listing; the history says which manifests count. */
export async function loadLatest(history: History, signal: Signal): Promise<CheckpointManifest | undefined> {
  for (let round = 1; round <= maxRounds; round++) {
    let latest: { readonly id: number; readonly found: Promise<FoundManifest | undefined> } | undefined
    const view = await history.view(signal, {
      of: "manifests",
      onListed: ({ manifests }) => {
        const [id] = latestFirst(manifests.keys())
        latest = id === undefined ? undefined : { id, found: history.verifier.manifest(id, signal) }
        latest?.found.catch(() => {})
      },
    })
    const [beyond] = view.listing.beyond
    if (beyond !== undefined) throw beyondNumbers(history, beyond.key)
    const read = (id: number) => (id === latest?.id ? latest.found : history.verifier.manifest(id, signal))
    const found = await latestOf(view, read, signal)
    if (found === "gone") continue
    // `undefined` would read as a fresh start.
    if (view.lacks !== undefined && found === undefined)
      throw damaged(history, view.lacks, missing(history.place, view, view.lacks).issues)
    // Without the pointer nobody knows whether anything was ever saved here.
    if (found === undefined && view.pointer.failure !== undefined) throw view.pointer.failure
    tellMissing(history, view, found?.id)
    return found && sound(history, found.id, found, signal)
  }
  throw restless(history.place)
}

/** The latest manifest of a view that counts; `"gone"` if a manifest was removed after the listing. */
async function latestOf(
  view: View,
  read: (id: number) => Promise<FoundManifest | undefined>,
  signal: Signal,
): Promise<(FoundManifest & { readonly id: number }) | "gone" | undefined> {
  for (const id of view.latestFirst()) {
    const found = await read(id)
    if (found === undefined) return "gone"
    const verdict = await view.verdict(id, found, signal)
    if (verdict === "dead") continue
    return verdict === "counts" ? { ...found, id } : "gone"
  }
  return undefined
}

/** Verifies one checkpoint. A checkpoint that does not count is reported as missing. */
export async function verify(history: History, id: number, options: VerifyOptions): Promise<Verification> {
  const { depth = "deep", signal, onProgress } = options
  const found = await history.verifier.verify(id, { depth, signal, onProgress })
  if (found.gone || (await history.counts(id, found.manifest, signal)))
    return { id, valid: found.valid, issues: found.issues }
  const message = `manifest not found for checkpoint ${id}: retention removed it, or its writer was superseded`
  return { id, valid: false, issues: [fatal("manifest-missing", message)] }
}

/**
 * The manifest that was found. Its state is not read.
 *
 * @throws {CheckpointError} `CKPT_CORRUPT` if the manifest has a fatal issue
 */
async function sound(
  { place, verifier, emit }: History,
  id: number,
  { manifest, meta, issues }: FoundManifest,
  signal: Signal,
): Promise<CheckpointManifest> {
  // A legacy manifest does not say how large its state is. Verification, which sees the state, checks the ranges.
  const stateSize = manifest?.stateSize ?? Number.MAX_SAFE_INTEGER
  let all = issues
  if (manifest !== undefined) {
    const work = verifier.validating(manifest, { expectedId: id, stateSize })
    all = isLong(meta?.size ?? 0) ? await inTurns(work, signal) : atOnce(work)
  }
  if (manifest === undefined || all.some(isFatal)) throw damaged({ place }, id, all)
  const warnings = all.filter((issue) => issue.code !== "state-unverified")
  if (warnings.length > 0) emit({ type: "manifest-warnings", id, issues: warnings })
  return manifest
}

const isFatal = ({ severity }: ValidationIssue) => severity === "fatal"

export function damaged(
  { place }: Pick<History, "place">,
  id: number,
  issues: readonly ValidationIssue[],
): CheckpointError {
  const why = issues.find(isFatal)?.message
  const message = `checkpoint ${id} is damaged: ${why}. Use recover() to get the latest one that verifies.`
  return new CheckpointError("CKPT_CORRUPT", message, place.manifest(id))
}

function beyondNumbers({ place }: History, key: string): CheckpointError {
  const message = `the latest checkpoint, ${key}, has an id beyond 2^53 - 1. Use recover() to go past it.`
  return new CheckpointError("CKPT_CORRUPT", message, { key, backend: place.backend })
}
