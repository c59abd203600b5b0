import { edit, type Mutant } from "./mutant.js"

/** The turns that stores of one process take where the pointer has no room for a floor, each left out. */
export const oneProcessMutants: readonly Mutant[] = [
  {
    name: "removals are ordered within each store alone",
    edits: [
      edit(
        "history/history",
        "return removalsOf(this.place.storage, signal);",
        "return removalsOf({ backend: this, identity: async () => undefined }, signal);",
      ),
    ],
    plans: ["one process"],
  },
  {
    name: "a pin does not wait for the removal of its checkpoint",
    edits: [edit("history/pin", "together: [id]", "together: []")],
    plans: ["one process"],
  },
  {
    name: "a collection takes no turn",
    edits: [edit("retention/orphans", "return removals.remove(ids, signal, finish);", "return finish();")],
    plans: ["one process, slow saves"],
  },
  {
    name: "a save does not look whether its state is still there",
    edits: [edit("commit/commit", "if (state !== undefined && mayBeGone)", "if (false)")],
    plans: ["one process, slow saves"],
  },
  {
    name: "a save looks for a state that was written ahead alone",
    edits: [edit("commit/commit", "feed === undefined || removals.ended !== ended", "feed === undefined")],
    plans: ["one process, slow saves"],
  },
]
