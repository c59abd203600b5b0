import { gets, runs } from "../scenario/written.js"
import { edit, type Mutant } from "./mutant.js"

/** The latest checkpoint is kept as the latest whose sinks have committed, too. */
const noCommitted = edit(
  "retention/prune",
  "for (const id of await latestCommitted(history.place, view, all, signal))",
  "for (const id of [])",
)

/** The rules of retention and `remove`, each left out. */
export const deletingMutants: readonly Mutant[] = [
  {
    name: "retention at the latest valid checkpoint",
    edits: [
      edit("retention/prune", "if (outline.id < latestValid && !kept.has(outline.id))", "if (!kept.has(outline.id))"),
      noCommitted,
    ],
    plans: ["retention"],
  },
  {
    name: "retention takes what a superseded writer wrote for the latest",
    edits: [
      edit("history/summary", "if (!one?.outline.valid || !countsIn(view, one))", "if (!one?.outline.valid)"),
      noCommitted,
    ],
    // A plain writer is about to write 4. Another claims and saves 3, the latest; manifest 4 is written, and refused. Retention
    // removes all but even ids below 4, and so 3.
    written: {
      start: "two",
      processes: [
        [{ do: "save", meanwhile: true }, { do: "save" }],
        [{ do: "claim" }, { do: "save" }, { do: "prune", policy: "every 2" }],
      ],
      steps: [runs(1, "put manifest"), runs(2, "put manifest-3"), gets(1, "put manifest-4"), runs(2)],
    },
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
    name: "no floor",
    edits: [
      edit(
        "retention/remove",
        "return (await history.change(current, next ?? current.record, signal)) !== undefined;",
        "return true;",
      ),
    ],
    plans: ["slow saves", "retention"],
  },
  {
    name: "objects are deleted before the history is replaced",
    edits: [
      edit(
        "retention/remove",
        "if (!(await ensureDead(history, current,",
        "await removeObjects(history.place, listing, removal.gone, signal);\nif (!(await ensureDead(history, current,",
      ),
    ],
    plans: ["retention"],
  },
  {
    name: "objects are deleted although the history was not replaced",
    edits: [
      edit(
        "retention/remove",
        "return (await history.change(current, next ?? current.record, signal)) !== undefined;",
        "await history.change(current, next ?? current.record, signal);\nreturn true;",
      ),
    ],
    plans: ["retention", "pins"],
  },
  {
    name: "what is dead already is removed by a history that is remembered",
    edits: [edit("retention/remove", "if (now.version !== current.version || now.lost !== undefined)", "if (false)")],
    plans: ["history lost"],
  },
  {
    name: "the floor keeps nothing",
    edits: [edit("retention/remove", "keptUpTo(floor, record, stays)", "record.kept")],
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
    // The reader lists 1 2 3. Another saves 4, prunes what is odd, and has removed state 3 and not yet manifest 3. The reader
    // finds that manifest without its state, and calls 3 damaged.
    written: {
      start: "three, no pointer",
      processes: [[{ do: "recover" }], [{ do: "save" }, { do: "prune", policy: "every 2" }]],
      steps: [runs(1, "get manifest-3", "get state-3"), runs(2, "delete manifest"), runs(1)],
    },
  },
]
