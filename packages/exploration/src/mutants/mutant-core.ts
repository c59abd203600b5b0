import { mkdir, mkdtemp, rm } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as core from "@ckpt/core"
import type { SimulateOptions } from "../simulate.js"
import { mutants } from "./index.js"
import type { Mutant } from "./mutant.js"
import { type Edit, loadVariant } from "./variant.js"

const variants = fileURLToPath(new URL("../../.variants/", import.meta.url))

/** Options of a simulation without the rule that the mutant leaves out. `under`: further edits of every copy. */
export async function mutantOptions(mutant: Mutant, under: readonly Edit[] = []): Promise<SimulateOptions> {
  const edits = [...under, ...(mutant.edits ?? [])]
  if (edits.length === 0) return { core, flaws: mutant.flaws }
  await mkdir(variants, { recursive: true })
  const folder = await mkdtemp(join(variants, "core-"))
  try {
    return { core: await loadVariant(folder, edits), flaws: mutant.flaws }
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Runs a task with the mutant of that name. */
export async function withMutant<T>(
  name: string,
  task: (options: SimulateOptions, mutant: Mutant) => Promise<T>,
): Promise<T> {
  const mutant = mutants.find((one) => one.name === name)
  if (mutant === undefined) {
    throw new Error(`no mutant ${JSON.stringify(name)}; there are:\n${mutants.map((one) => one.name).join("\n")}`)
  }
  return task(await mutantOptions(mutant), mutant)
}
