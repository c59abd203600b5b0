import type { Mutant } from "./mutant.js"

/** The conditions of a storage, each not kept. */
export const storageMutants: readonly Mutant[] = [
  { name: "compare-and-swap is a plain put", flaws: { replacesAnyVersion: true }, plans: ["claims", "plain"] },
  { name: "create overwrites", flaws: { createOverwrites: true }, plans: ["plain"] },
]
