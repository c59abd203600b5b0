import { edit, type Mutant } from "./mutant.js"

/** What is done about storages of another kind, each left out. */
export const otherStorageMutants: readonly Mutant[] = [
  {
    name: "a failure that changed nothing passes for unknown",
    edits: [edit("storage/create-once", "if (lost === undefined)\n                    throw error;", "")],
    plans: ["throttled"],
  },
  {
    name: "a swap that changed nothing passes for unknown",
    edits: [edit("storage/swap", "if (lost === undefined)\n                    throw error;", "")],
    plans: ["throttled"],
  },
  {
    name: "what a delete could not remove passes for removed",
    edits: [
      edit("storage/storage", "return left.map((key) => ({ key, error: known.get(key) ?? error }));", "return [];"),
    ],
    plans: ["weak listings"],
  },
  {
    name: "a state goes although its manifest could not be removed",
    edits: [edit("retention/remove", "!manifestLeft.has(id) && listing.states.has(id)", "listing.states.has(id)")],
    plans: ["weak listings"],
  },
]
