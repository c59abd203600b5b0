import { edit, type Mutant } from "./mutant.js"

/** The rules of commit, each left out. */
export const commitMutants: readonly Mutant[] = [
  {
    name: "no read-back of the state",
    edits: [
      edit(
        "commit/create-state",
        "const version = await settleState(",
        'const version = cause.kind === "ambiguous" ? "not read" : await settleState(',
      ),
    ],
    plans: ["plain", "claims"],
  },
  {
    name: "no read-back of the manifest",
    edits: [
      edit(
        "commit/create-manifest",
        "const settled = await settleManifest(",
        'const settled = lost !== undefined ? "created" : await settleManifest(',
      ),
    ],
    plans: ["plain", "claims"],
  },
  {
    name: "no read-back of the pointer",
    edits: [
      edit(
        "history/pointer-file",
        "failure = swapped.lost;",
        "return { isOver: true, pointer: { ...current, ...change } };",
      ),
    ],
    plans: ["claims"],
  },
  {
    name: "a manifest that is there passes for ours",
    edits: [
      edit(
        "commit/create-manifest",
        "const settled = await settleManifest(",
        'const settled = lost === undefined ? "existed" : await settleManifest(',
      ),
    ],
    plans: ["plain"],
  },
  {
    name: "save cleans up its own state",
    edits: [
      edit(
        "commit/commit",
        "const outcome = await createManifestObject(history, manifest, job.signal);",
        `const outcome = await createManifestObject(history, manifest, job.signal).catch(async (error) => {
          await history.place.storage.delete([history.place.layout.stateKey(job.id)]);
          throw error;
        });`,
      ),
    ],
    plans: ["plain"],
  },
  {
    name: "a save is acknowledged before the pointer moved",
    edits: [
      edit(
        "commit/acknowledge",
        "advance = await history.pointer.advance(id);",
        "advance = { pointer: noPointer, isLatest: true };",
      ),
    ],
    plans: ["claims"],
  },
  {
    name: "a save does not look at the floor",
    edits: [edit("commit/acknowledge", "if (!mayCount(id, advance.pointer))", "if (false)")],
    isRare: true,
    plans: ["slow saves", "retention"],
  },
  {
    name: "the pointer moves back",
    edits: [edit("history/pointer-file", "if (current.checkpointId >= id) {", "if (false) {")],
    isRare: true,
    plans: ["superseded", "claims"],
  },
  {
    name: "swaps without a token of their own",
    edits: [edit("history/pointer-file", "const token = newToken();", 'const token = "same";')],
    plans: ["claims"],
  },
  {
    name: "an update whose answer was lost is applied once more",
    edits: [edit("commit/update", "throw unknownUpdate(place, id, lost.cause);", "lost = undefined;")],
    plans: ["updates"],
  },
  {
    name: "an update whose answer was lost passes for done",
    edits: [edit("commit/update", "if (current.updateToken !== lost.token)", "if (false)")],
    plans: ["updates"],
  },
  {
    name: "an update of unknown outcome passes for refused",
    edits: [edit("commit/update", '"CKPT_UNKNOWN_OUTCOME"', '"CKPT_CONFLICT"')],
    plans: ["updates"],
  },
  {
    name: "a failed commit of a writer that claimed passes for certain",
    edits: [
      edit(
        "commit/acknowledge",
        "throw unknownOutcome(history.place, id, error);\n    }\n    if (!mayCount(id, advance.pointer))",
        "throw error;\n    }\n    if (!mayCount(id, advance.pointer))",
      ),
    ],
    plans: ["claims"],
  },
]
