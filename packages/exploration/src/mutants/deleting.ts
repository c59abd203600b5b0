import { edit, type Mutant } from "./mutant.js"

/** The rules of retention, `remove` and collection, each left out. */
export const deletingMutants: readonly Mutant[] = [
  {
    name: "retention at the latest valid checkpoint",
    edits: [
      edit("retention/prune", "if (outline.id < latestValid && !kept.has(outline.id))", "if (!kept.has(outline.id))"),
    ],
    plans: ["retention"],
  },
  {
    name: "remove at the latest valid checkpoint",
    edits: [
      edit(
        "retention/remove",
        "if (latestValid === undefined || id >= latestValid) {",
        "if (latestValid === undefined) {",
      ),
    ],
    plans: ["retention"],
  },
  {
    name: "collection at or above the latest valid checkpoint",
    edits: [edit("retention/orphans", "if (id < bound && !states.manifests.has(id)", "if (!states.manifests.has(id)")],
    plans: ["collection"],
  },
  {
    name: "collection of what is young",
    edits: [edit("retention/orphans", "(id) && isOld(meta.lastModified))", "(id))")],
    plans: ["collection"],
  },
  {
    name: "collection by a clock of its own",
    edits: [edit("retention/orphans", "storage.now(layout.statePrefix, signal)", "new Date(8e15)")],
    plans: ["collection"],
  },
  {
    name: "collection lists manifests before states",
    edits: [
      edit(
        "retention/orphans",
        "const states = await lister.states(signal);",
        "const early = await lister.manifests(signal); const states = await lister.states(signal);",
      ),
      edit(
        "retention/orphans",
        "Promise.all([leftovers, lister.manifests(signal)])",
        "Promise.all([leftovers, early])",
      ),
    ],
    isRare: true,
    plans: ["slow saves"],
  },
  {
    name: "collection over ids that this store is saving",
    edits: [edit("retention/orphans", ".filter(({ id }) => id < history.lowestUnderWay)", "")],
    plans: ["collection beside own saves"],
  },
  {
    name: "collection raises no floor",
    edits: [edit("retention/orphans", ": await dead(history, found, signal)", ": found.orphans")],
    plans: ["collection", "slow saves"],
  },
  {
    name: "no floor",
    edits: [
      edit(
        "retention/remove",
        "if (next !== undefined && (await history.change(current, next)) === undefined)",
        "if (false)",
      ),
    ],
    plans: ["slow saves", "retention"],
  },
  {
    name: "objects are deleted before the history is replaced",
    edits: [
      edit(
        "retention/remove",
        "const next = raised(record, doomed, stays, latestValid) ??",
        "await removeObjects(history.place, listing, doomed, signal);\nconst next = raised(record, doomed, stays, latestValid) ??",
      ),
    ],
    plans: ["retention"],
  },
  {
    name: "objects are deleted although the history was not replaced",
    edits: [
      edit(
        "retention/remove",
        "(await history.change(current, next)) === undefined)",
        "((await history.change(current, next)) ?? true) === undefined)",
      ),
    ],
    plans: ["retention", "pins"],
  },
  {
    name: "the floor keeps nothing",
    edits: [
      edit(
        "retention/remove",
        "record.kept.with(stays.filter((id) => id > record.floor && id <= floor))",
        "record.kept",
      ),
    ],
    plans: ["retention"],
  },
  {
    name: "prune removes the state before the manifest",
    edits: [
      edit(
        "retention/remove",
        "report(manifestKey, doomed, await",
        "await storage.delete(doomed.map(stateKey), signal);\nreport(manifestKey, doomed, await",
      ),
    ],
    isRare: true,
    plans: ["readers", "long"],
  },
]
