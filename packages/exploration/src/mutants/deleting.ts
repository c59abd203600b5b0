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
    name: "no floor",
    edits: [
      edit("history/pointer-file", "return this.#change(raise, () => this.lastSeen());", "return this.lastSeen();"),
    ],
    plans: ["slow saves", "retention"],
  },
  {
    name: "the floor keeps nothing",
    edits: [edit("history/pointer-file", "[...kept, ...current.pins.values()]", "[]")],
    plans: ["retention"],
  },
  {
    name: "prune removes the state before the manifest",
    edits: [
      edit(
        "retention/remove",
        "report(manifestKey, doomed, await storage.delete([...doomed.map(manifestKey), ...dropped], signal));",
        `await storage.delete(doomed.map(stateKey), signal);
        report(manifestKey, doomed, await storage.delete([...doomed.map(manifestKey), ...dropped], signal));`,
      ),
    ],
    plans: ["readers"],
  },
  {
    name: "claims are trimmed while something needs them",
    edits: [
      edit(
        "history/floor",
        "const last = claims.findLastIndex((claim) => claim.from < lowest);",
        "const last = claims.length - 1;",
      ),
    ],
    isRare: true,
    plans: ["claims and deletes", "long"],
  },
]
