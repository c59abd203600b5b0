import { mkdir, mkdtemp, rm } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as core from "@ckpt/core"
import type { SimulateOptions } from "../simulate-options.js"
import { mutants } from "./index.js"
import type { Mutant } from "./mutant.js"
import { coreVariant, type Edit, fsVariant, saverVariant } from "./variant.js"

const variants = fileURLToPath(new URL("../../.variants/", import.meta.url))

/** Options of a simulation without the rule that the mutant leaves out. `under`: further edits of every copy. */
export async function mutantOptions(mutant: Mutant, under: readonly Edit[] = []): Promise<SimulateOptions> {
  const { edits = [], fsEdits = [], saverEdits = [], flaws } = mutant
  const all = [...under, ...edits]
  return {
    core: all.length === 0 ? core : await inFolder((folder) => coreVariant(folder, all)),
    fs: fsEdits.length === 0 ? undefined : await inFolder((folder) => fsVariant(folder, fsEdits)),
    saver: saverEdits.length === 0 ? undefined : await inFolder((folder) => saverVariant(folder, saverEdits)),
    flaws,
  }
}

async function inFolder<T>(load: (folder: string) => Promise<T>): Promise<T> {
  await mkdir(variants, { recursive: true })
  const folder = await mkdtemp(join(variants, "variant-"))
  try {
    return await load(folder)
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
