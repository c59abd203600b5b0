// The checks after every single death of the worker, not only at the end.

import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { openFsStore } from "@ckpt/fs"
import { epochFileName } from "./epoch-files.js"
import type { Progress } from "./progress.js"

export class Witness {
  readonly #folder: string
  readonly #saves: { id: number; epoch: number }[] = []
  readonly #published = new Map<string, Buffer>()
  #coveredEpoch = 0

  constructor(folder: string) {
    this.#folder = folder
  }

  /** To be called while no worker runs, before the next damage. `damaged`: the ids of earlier damage. */
  async inspect(reports: readonly Progress[], damaged: readonly number[]): Promise<string[]> {
    const recovered = reports.find(({ event }) => event === "recovered")?.epoch ?? 0
    return [...this.#checkReports(reports, damaged), ...(await this.#checkOutput(recovered))]
  }

  #checkReports(reports: readonly Progress[], damaged: readonly number[]): string[] {
    const problems: string[] = []
    for (const report of reports) {
      if (report.event === "saved") this.#saves.push(report)
      if (report.event !== "recovered") continue
      const last = this.#saves.filter(({ id }) => !damaged.includes(id)).at(-1)
      if (last !== undefined && report.epoch < last.epoch) {
        problems.push(
          `it recovered epoch ${report.epoch}, though checkpoint ${last.id} of epoch ${last.epoch} was saved`,
        )
      }
      // A kill alone must never damage a checkpoint.
      for (const { name } of report.skipped) {
        if (!damaged.includes(Number(name))) problems.push(`it skipped checkpoint ${name}, which nobody damaged`)
      }
    }
    return problems
  }

  /** Somebody may have read a published file: it must stay as it is, and be covered by a checkpoint. */
  async #checkOutput(recoveredEpoch: number): Promise<string[]> {
    const problems: string[] = []
    await using store = await openFsStore(join(this.#folder, "store"), { readOnly: true })
    for await (const { epoch = 0 } of store.list()) this.#coveredEpoch = Math.max(this.#coveredEpoch, epoch)
    const output = join(this.#folder, "output")
    // Nothing else runs meanwhile, and on a busy machine many small reads take far longer when each is waited for.
    // A worker that was killed early has not made the folder.
    const names = existsSync(output) ? readdirSync(output) : []
    for (const name of this.#published.keys()) if (!names.includes(name)) problems.push(`${name} is gone again`)
    for (const name of names) {
      const epoch = /^epoch-(\d+)\.jsonl$/.exec(name)?.[1]
      if (epoch === undefined) continue
      const bytes = readFileSync(join(output, name))
      if (!bytes.equals(this.#published.get(name) ?? bytes)) problems.push(`${name} has changed after it was published`)
      if (Number(epoch) > this.#coveredEpoch) problems.push(`${name} was published, and no checkpoint covers it`)
      this.#published.set(name, bytes)
    }
    for (let epoch = 1; epoch <= recoveredEpoch; epoch++) {
      const name = epochFileName(epoch)
      if (!names.includes(name)) problems.push(`${name} is missing, though a checkpoint that covers it was recovered`)
    }
    return problems
  }
}
