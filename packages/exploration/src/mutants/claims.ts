import { runs } from "../scenario/written.js"
import { edit, type Mutant } from "./mutant.js"

/** The rules of one writer, each left out. */
export const claimMutants: readonly Mutant[] = [
  {
    name: "a claim in one step",
    edits: [
      edit(
        "history/claim",
        "const announced = await history.change(current, { ...base, claiming: { epoch, writer } }, signal);",
        "const announced = { ...current, record: base };",
      ),
    ],
    plans: ["claims", "first claim", "superseded"],
  },
  {
    name: "a claim lists before it is announced",
    edits: [
      edit(
        "history/claim",
        "const announced = await history.change(current, {",
        "const early = await history.listedWithPointer(signal);\nconst announced = await history.change(current, {",
      ),
      edit("history/claim", "const listing = await history.listedWithPointer(signal);", "const listing = early;"),
    ],
    // The claimer lists 1 2; then 3 is saved and acknowledged; then the claim is announced and given, and does not keep 3.
    written: {
      start: "two",
      processes: [[{ do: "save" }], [{ do: "claim" }]],
      steps: [runs(2, "put history"), runs(1), runs(2)],
    },
  },
  {
    name: "a claim does not keep what counts",
    edits: [edit("history/claim", "keptUpTo(floor, record, counting)", "keptUpTo(floor, record, [])")],
    plans: ["claims"],
  },
  {
    name: "a claim keeps what does not count",
    edits: [edit("history/claim", "if (!counts(id, epochs?.writer, record))", "if (false)")],
    // A plain writer is about to write 3. Another claims; manifest 3 is written, and refused. The next claim finds it, and keeps it.
    written: {
      start: "two",
      processes: [[{ do: "save" }], [{ do: "claim" }], [{ do: "claim" }]],
      steps: [runs(1, "put manifest-3"), runs(2), runs(1), runs(3)],
    },
  },
  {
    name: "a claim keeps only what it can read",
    edits: [edit("history/claim", "if (manifest === undefined)", "if (manifest?.manifest === undefined)")],
    plans: ["manifests damaged"],
  },
  {
    name: "a claim does not raise the floor",
    edits: [edit("history/claim", "const floor = highestBelievable(above, sound);", "const floor = record.floor;")],
    plans: ["claims"],
  },
  {
    name: "a claim that was overtaken passes for given",
    edits: [
      edit(
        "history/claim",
        "if (given !== undefined)\n            return { lead: { epoch, writer }, stored: given };",
        "return { lead: { epoch, writer }, stored: given ?? announced };",
      ),
    ],
    // A claim is announced. A save waits for it, and takes it out. The claimer's second swap fails, and it takes itself for the
    // leader.
    written: {
      start: "two",
      processes: [[{ do: "claim" }, { do: "save" }], [{ do: "save" }]],
      steps: [runs(1, "page"), runs(2), runs(1)],
    },
  },
  {
    name: "a save that waited for a claim leaves the claim half made",
    edits: [
      edit(
        "history/lead",
        "const without = await history.change(current, { ...current.record, claiming: undefined }, signal);",
        "const without = { ...current, record: { ...current.record, claiming: undefined } };",
      ),
    ],
    plans: ["superseded", "claims"],
  },
  {
    name: "a claim that was taken out passes for refused",
    edits: [edit("history/claim", "if (now.record.epoch >= epoch || claiming.writer !== writer)", "if (true)")],
    // As above; the claimer says that another process claimed, and none did.
    written: {
      start: "two",
      processes: [[{ do: "claim" }], [{ do: "save" }]],
      steps: [runs(1, "page"), runs(2), runs(1)],
    },
  },
  {
    name: "a leader marks nothing that it recovers",
    edits: [edit("recovery/mark-seen", "if (manifest.seen === history.epoch ||", "if (true ||")],
    // A plain writer's update has read manifest 2 and the history. Another claims and recovers 2. The update finds the version
    // that it has read, and takes effect.
    written: {
      start: "two",
      processes: [[{ do: "update", which: 0 }], [{ do: "claim" }, { do: "recover" }]],
      steps: [runs(1, "put manifest-2"), runs(2), runs(1)],
    },
  },
  {
    name: "a mark that was refused passes for made",
    edits: [edit("recovery/mark-seen", 'swapped.outcome === "done" ? marked : "again"', "marked")],
    // A leader has read manifest 2, to mark it. A plain writer's update takes effect, and is told so: the leader has it. The mark
    // is refused, and the leader is given 2 as it was before the update.
    written: {
      start: "two",
      processes: [[{ do: "update", which: 0 }], [{ do: "claim" }, { do: "recover" }]],
      steps: [runs(1, "put manifest-2"), runs(2, "put manifest-2"), runs(1), runs(2)],
    },
  },
  {
    name: "a leader that was superseded goes on to recover",
    edits: [edit("recovery/mark-seen", "assertUsable(history, current);", "")],
    plans: ["claims"],
  },
  {
    name: "an update reads the history before the manifest",
    edits: [
      edit(
        "commit/update",
        "const found = await verifier.manifest(id, signal);\n    const current = await history.current(signal);",
        "const current = await history.current(signal);\n    const found = await verifier.manifest(id, signal);",
      ),
    ],
    // A plain writer's update has read the history, not yet manifest 2. Another claims, recovers 2 and marks it. The update
    // reads the marked manifest, and its swap succeeds.
    written: {
      start: "two",
      processes: [[{ do: "update", which: 0 }], [{ do: "claim" }, { do: "recover" }]],
      steps: [runs(1, "get manifest-2"), runs(2), runs(1)],
    },
  },
  {
    name: "an update does not ask who leads",
    edits: [
      edit("commit/update", "assertUsable(history, current);\n    if (found === undefined", "if (found === undefined"),
    ],
    plans: ["updates at a claim"],
  },
  {
    name: "an update takes no second look",
    edits: [edit("commit/update", "await assertStillLeads(history, id);\n            return next;", "return next;")],
    plans: ["updates at a claim"],
  },
  {
    name: "an update that took effect before a claim passes for refused",
    edits: [edit("commit/update", "{ ...place.manifest(id), applied: true }", "place.manifest(id)")],
    plans: ["updates at a claim"],
  },
]
