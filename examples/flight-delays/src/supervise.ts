// Runs the worker once undisturbed and once with kills, each in a folder of its own, and compares the results.

import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import { type Compared, compareRuns } from "./compare.js"
import { checkpointsOnDisk, type Damage, type DamagedFile, damageLatest } from "./damage.js"
import type { Progress, SkippedCheckpoint } from "./progress.js"
import { between, type Random, seededRandom } from "./random.js"
import { Witness } from "./witness.js"
import { type KillPlan, runWorker, type WorkerRun } from "./worker-process.js"

export interface SuperviseOptions {
  /** The folder that holds `reference/` and `killed/` afterwards. Neither may exist before. */
  folder: string
  seed: number
  /** How many SIGKILLs to plan. */
  kills: number
  /** The fewest SIGKILLs for the run to prove something. A worker may finish before the last planned kills. */
  minKills: number
  /** The number of epochs after which the worker stops. Default: when it has read all flights. */
  epochs?: number | undefined
  /** The worker's program. */
  worker: URL
  /** Checkpoints that stay after each save. Default: as the worker likes. */
  keep?: number | undefined
  /** The next step waits for it. */
  onTimeline?: ((entry: TimelineEntry) => void | Promise<void>) | undefined
  /** For tests: called with the killed run's folder before the comparison. */
  beforeComparison?: ((folder: string) => Promise<void>) | undefined
}

export type TimelineEntry =
  | { type: "reference"; epochs: number; elapsedMs: number }
  | { type: "damaged"; damage: Damage }
  | { type: "run"; number: number; run: WorkerRun }

/** The step in which the worker was killed, by its last report. */
export type Phase = "start or recovery" | "processing" | "save" | "publishing" | "update"

const phaseAfter: Record<Progress["event"], Phase> = {
  recovered: "processing",
  staged: "save",
  saved: "publishing",
  published: "update",
  committed: "processing",
  finished: "processing",
}

export interface Verdict {
  readonly ok: boolean
  /** The reasons, if not. */
  readonly problems: readonly string[]
  readonly kills: Readonly<Record<Phase, number>>
  /** Each damage, with the words of recovery when it passed over the checkpoint. */
  readonly damages: readonly { readonly damage: Damage; readonly skipped?: SkippedCheckpoint | undefined }[]
  readonly compared: readonly Compared[]
}

/** After `recovered`: staged, saved, published, committed. */
const reportsPerEpoch = 4

export async function supervise(options: SuperviseOptions): Promise<Verdict> {
  const { folder, worker, onTimeline } = options
  const random = seededRandom(options.seed)
  const problems: string[] = []
  const kills: Record<Phase, number> = { "start or recovery": 0, processing: 0, save: 0, publishing: 0, update: 0 }
  const damages: { damage: Damage; skipped?: SkippedCheckpoint | undefined }[] = []
  const killCount = () => Object.values(kills).reduce((sum, n) => sum + n, 0)
  const limits = [options.epochs ?? "all", ...(options.keep === undefined ? [] : [options.keep])]
  const args = (name: string) => [join(folder, name), ...limits.map(String)]

  await mkdir(folder, { recursive: true })
  await Promise.all(["reference", "killed"].map((name) => mkdir(join(folder, name))))
  const reference = await runWorker(worker, args("reference"))
  if (reference.exitCode !== 0) throw new Error(`the uninterrupted run failed: ${howItEnded(reference)}`)
  const epochs = reference.reports.at(-1)?.epoch ?? 0
  await onTimeline?.({ type: "reference", epochs, elapsedMs: reference.elapsedMs })
  const usual: Pace = {
    epochs,
    startMs: reference.recoveredMs ?? 0,
    epochMs: (reference.elapsedMs - (reference.recoveredMs ?? 0)) / epochs,
  }

  const dueDamages = planDamages(options.minKills, random)
  const maxRuns = 2 * options.kills + 20
  const witness = new Witness(join(folder, "killed"))
  let epoch = 0
  for (let number = 1; ; number++) {
    const due = dueDamages[0]
    // One at a time, and never the only checkpoint: falling back needs something to fall back to.
    if (due !== undefined && killCount() >= due.afterKills && damages.every(({ skipped }) => skipped !== undefined)) {
      const store = join(folder, "killed", "store")
      if ((await checkpointsOnDisk(store)).length >= 2) {
        const damage = await damageLatest(store, due.file, random)
        dueDamages.shift()
        damages.push({ damage })
        await onTimeline?.({ type: "damaged", damage })
      }
    }
    const killsLeft = Math.max(options.kills - killCount(), dueDamages.length)
    const plan = killsLeft > 0 && number < maxRuns ? planKill(usual, epoch, killsLeft, random) : undefined
    const run = await runWorker(worker, args("killed"), plan)
    await onTimeline?.({ type: "run", number, run })

    const damagedIds = damages.map(({ damage }) => damage.id)
    for (const problem of await witness.inspect(run.reports, damagedIds)) problems.push(`run ${number}: ${problem}`)
    for (const report of run.reports) {
      epoch = report.epoch
      if (report.event !== "recovered") continue
      const open = damages.find(({ skipped }) => skipped === undefined)
      if (open !== undefined) open.skipped = report.skipped.find(({ name }) => name === String(open.damage.id))
    }
    if (run.signal === "SIGKILL") {
      const last = run.reports.at(-1)
      kills[last === undefined ? "start or recovery" : phaseAfter[last.event]]++
      continue
    }
    if (run.exitCode !== 0) problems.push(`run ${number} failed: ${howItEnded(run)}`)
    break
  }

  if (killCount() < options.minKills) problems.push(`only ${killCount()} kills, wanted ${options.minKills}`)
  for (const { file } of dueDamages) problems.push(`no ${file} was damaged`)
  for (const { damage, skipped } of damages) {
    const what = `checkpoint ${damage.id}, whose ${damage.file} was damaged`
    if (skipped === undefined) problems.push(`no recovery skipped ${what}`)
  }
  await options.beforeComparison?.(join(folder, "killed"))
  const compared = await compareRuns(join(folder, "reference"), join(folder, "killed")).catch((error: unknown) => {
    return [{ what: "comparison", detail: String(error), same: false }]
  })
  for (const { what, detail, same } of compared) if (!same) problems.push(`${what} differs: ${detail}`)
  return { ok: problems.length === 0, problems, kills, damages, compared }
}

/** When to damage: once a state and once a manifest, in either order, early enough that kills follow. */
function planDamages(kills: number, random: Random): { file: DamagedFile; afterKills: number }[] {
  const files: DamagedFile[] = random() < 0.5 ? ["state.bin", "manifest.json"] : ["manifest.json", "state.bin"]
  const half = Math.floor(kills / 2)
  const [first, second] = [between(random, 1, Math.max(1, half - 1)), between(random, half, Math.max(half, kills - 2))]
  return files.map((file, i) => ({ file, afterKills: i === 0 ? first : second }))
}

interface Pace {
  readonly epochs: number
  readonly startMs: number
  readonly epochMs: number
}

/**
 * A moment drawn from all of a worker's life: now and then while it starts and recovers, mostly a few epochs later, at
 * any point of an epoch. Progress is rationed, so that the work outlasts the kills however slow the supervisor is.
 */
function planKill(usual: Pace, epoch: number, killsLeft: number, random: Random): KillPlan {
  const ration = (usual.epochs - epoch) / (killsLeft + 1)
  const early = random() < 0.15 || ration < 1
  if (early) return { afterReports: 0, delayMs: random() * usual.startMs }
  const afterReports = between(random, 1, Math.max(1, Math.floor(1.6 * (ration - 0.5) * reportsPerEpoch)))
  // The instant between a save and its publication is too short to be met by chance. A quarter of the kills aim at it.
  if (random() < 0.25) return { afterReports: afterReports - (afterReports % reportsPerEpoch) + 3, delayMs: 0 }
  return { afterReports, delayMs: random() * usual.epochMs }
}

function howItEnded(run: WorkerRun): string {
  return `${run.signal ?? `exit code ${run.exitCode}`}${run.errors === "" ? "" : `\n${run.errors}`}`
}
