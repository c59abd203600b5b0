import type { Mutant } from "./mutant.js"

/** What a storage must do, not done: flaws of the simulated storage. */
export const storageMutants: readonly Mutant[] = [
  { name: "compare-and-swap is a plain put", flaws: { replacesAnyVersion: true }, plans: ["claims", "plain"] },
  { name: "create overwrites", flaws: { createOverwrites: true }, plans: ["plain"] },
]
