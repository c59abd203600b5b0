import { runs } from "../scenario/written.js"
import { edit, type Mutant } from "./mutant.js"

/** Milliseconds. */
const hour = 3_600_000

/** The rules of collection, each left out. */
export const collectingMutants: readonly Mutant[] = [
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
    edits: [edit("retention/orphans", "storage.now(layout.statePrefix, signal)", "new Date(storage.clock.now())")],
    // A clock is a day ahead, and orphan 5 has just been written: it passes for a day old. (Of clocks that are years ahead
    // another rule takes care: what seems to be due for more than five years stays.)
    written: {
      start: "two and old orphans",
      processes: [[{ do: "jump", ms: 24 * hour }, { do: "save" }, { do: "collectOrphans", olderThanMs: hour }]],
      steps: [runs(1)],
    },
  },
  {
    name: "collection lists manifests before states",
    edits: [
      edit(
        "retention/orphans",
        "lister.states(signal).then(async (states) => ({ states, manifests: await lister.manifests(signal) }))",
        "lister.manifests(signal).then(async (manifests) => ({ manifests, states: await lister.states(signal) }))",
      ),
    ],
    // 4 is saved before 3. The collector lists the manifests, 1 2 4; then 3 is saved and acknowledged; the collector lists the
    // states, and state 3 passes for an orphan: the floor is raised to 3.
    written: {
      start: "two",
      processes: [
        [{ do: "collectOrphans", olderThanMs: 0 }],
        [{ do: "save", state: true, meanwhile: true }, { do: "save" }],
      ],
      steps: [runs(2, "put state-3"), runs(1, "page checkpoints/"), runs(2), runs(1)],
    },
  },
  {
    name: "collection believes a listing that lacks the latest checkpoint",
    edits: [edit("retention/orphans", "assertComplete(manifests, bound);", "")],
    // 3 and 4 are saved. The listing of states shows state 3; that of manifests lags, and shows 1 2: state 3 passes for an orphan.
    written: {
      start: "two",
      processes: [[{ do: "save", state: true }, { do: "save" }, { do: "collectOrphans", olderThanMs: 0 }]],
      steps: [runs(1, "put manifest-4"), runs(1, "page manifests"), { process: 1, lags: 4 }],
    },
  },
  {
    // The look whether the listing has the latest checkpoint would notice, and goes too.
    name: "collection looks for the latest checkpoint last",
    edits: [
      edit(
        "retention/orphans",
        "const looking = lowerBoundOfLatestValid(history, dryRun, signal);",
        "let bound = Number.MAX_SAFE_INTEGER;",
      ),
      edit(
        "retention/orphans",
        "const [now, bound] = await together([storage.now(layout.statePrefix, signal), looking]);",
        "const [now] = await together([storage.now(layout.statePrefix, signal)]);",
      ),
      edit(
        "retention/orphans",
        "assertComplete(manifests, bound);",
        "bound = await lowerBoundOfLatestValid(history, dryRun, signal);",
      ),
      edit(
        "retention/orphans",
        "old.filter(({ id }) => !manifests.manifests.has(id))",
        "old.filter(({ id }) => id < bound && !manifests.manifests.has(id))",
      ),
    ],
    // State 3 is written. The collector lists states and manifests; then 3 and 4 are saved; then the latest is 4, and state 3
    // passes for an orphan below it: the floor is raised to 3.
    written: {
      start: "two",
      processes: [[{ do: "collectOrphans", olderThanMs: 0 }], [{ do: "save", state: true }, { do: "save" }]],
      steps: [runs(2, "put manifest-3"), runs(1, "get latest"), runs(2), runs(1)],
    },
  },
  {
    name: "collection over ids that this store is saving",
    edits: [edit("retention/orphans", ".filter(({ id }) => id < history.lowestUnderWay)", "")],
    // State 3 is written, and its manifest is not yet. Meanwhile the same store saves 4 and collects: state 3 is below 4, and
    // has no manifest.
    written: {
      start: "two",
      processes: [
        [{ do: "save", state: true, meanwhile: true }, { do: "save" }, { do: "collectOrphans", olderThanMs: 0 }],
      ],
      steps: [runs(1, "put manifest-3")],
    },
  },
  {
    name: "collection raises no floor",
    edits: [edit("retention/orphans", ": await makeDead(history, found, signal)", ": found.orphans")],
    plans: ["collection", "slow saves"],
  },
]
