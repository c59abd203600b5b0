import { latestFirst } from "../format/ids.js"
import type { Pointer } from "../format/pointer.js"
import { counts, isOfHistory } from "../history/rule.js"
import { mustListAgain, stillCounts } from "../history/view.js"
import { type FoundManifest, readManifest } from "../verify/read-manifest.js"
import { maxRounds, type RecoverContext, restless } from "./recover.js"

/** The latest manifest and its id, by listing; the pointer only says whether the listing can be whole. */
export async function findLatest(
  context: RecoverContext,
  signal: AbortSignal | undefined,
): Promise<{ id: number; found: FoundManifest } | { key: string; found?: undefined } | undefined> {
  let before: Pointer | undefined
  for (let round = 1; ; round++) {
    const survey = await context.surveyor.manifests(signal)
    const ids = latestFirst(survey.manifests.keys())
    const latest = ids[0] === undefined ? undefined : readManifest(context, ids[0], signal)
    latest?.catch(() => {})
    const pointer = await context.pointer.read(signal, survey.claims)
    const again = mustListAgain(survey, pointer, before)
    before = pointer
    if (again && round < maxRounds) continue
    const beyond = survey.beyond[0]
    if (beyond !== undefined) return { key: beyond.key }
    let vanished = false
    for (const id of ids) {
      if (!counts(id, pointer)) continue
      const found = await (id === ids[0] ? latest : readManifest(context, id, signal))
      if (found !== undefined && !isOfHistory(id, found.manifest?.writer?.epoch, pointer)) continue
      if (found !== undefined && (await stillCounts(context, survey, id, found, signal))) return { id, found }
      vanished = true
      break
    }
    if (!vanished) return undefined
    if (round >= maxRounds) throw restless(context)
  }
}
