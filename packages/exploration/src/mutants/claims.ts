import { edit, type Mutant } from "./mutant.js"

/** The rules of one writer, each left out. */
export const claimMutants: readonly Mutant[] = [
  {
    name: "a claim in one step",
    edits: [
      edit(
        "history/claim",
        "const announced = await history.change(current, { ...base, claiming: { epoch, writer } });",
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
    plans: ["first claim", "claims"],
  },
  {
    name: "a claim does not keep what counts",
    edits: [edit("history/claim", "[...counting, ...record.pins.values()]", "[...record.pins.values()]")],
    plans: ["claims"],
  },
  {
    name: "a claim keeps what does not count",
    edits: [edit("history/claim", "if (!counts(id, writerEpochOf(manifest.manifest), record))", "if (false)")],
    plans: ["claims", "superseded"],
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
    plans: ["claims", "superseded"],
  },
  {
    name: "a save that waited for a claim leaves the claim half made",
    edits: [
      edit(
        "history/lead",
        "const without = await history.change(current, { ...current.record, claiming: undefined });",
        "const without = { ...current, record: { ...current.record, claiming: undefined } };",
      ),
    ],
    plans: ["superseded", "claims"],
  },
  {
    name: "a claim that was taken out passes for refused",
    edits: [edit("history/claim", "if (now.record.epoch >= epoch || claiming.writer !== writer)", "if (true)")],
    plans: ["claims", "first claim"],
  },
  {
    name: "a leader marks nothing that it recovers",
    edits: [edit("recovery/mark-seen", "if (manifest.seen === history.epoch ||", "if (true ||")],
    isRare: true,
    plans: ["updates at a claim"],
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
    isRare: true,
    plans: ["updates at a claim"],
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
