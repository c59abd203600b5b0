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
    name: "the manifest is written before the state",
    edits: [
      edit(
        "commit/commit",
        "const state = job.feed === undefined ? undefined : await createState(",
        `if (job.feed !== undefined) {
          for await (const _ of job.feed.open(() => {})) {}
          const early = job.manifest(job.feed.info());
          await createManifestObject(history.place, early, storedForm(job, early), job.signal);
        }
        const state = job.feed === undefined ? undefined : await createState(`,
      ),
    ],
    plans: ["plain"],
  },
  {
    name: "save cleans up its own state",
    edits: [
      edit(
        "commit/commit",
        "outcome: await createManifestObject(history.place, manifest, storedForm(job, manifest), job.signal)",
        `outcome: await createManifestObject(history.place, manifest, storedForm(job, manifest), job.signal).catch(async (error) => {
          await history.place.storage.delete([history.place.layout.stateKey(job.id)]);
          throw error;
        })`,
      ),
    ],
    plans: ["plain"],
  },
  {
    name: "a save is acknowledged without the history",
    edits: [edit("commit/acknowledge", "[moving, assertCounts(history, manifest)]", "[moving]")],
    plans: ["superseded", "claims"],
  },
  {
    name: "a save is acknowledged by the history of before",
    edits: [
      edit(
        "commit/acknowledge",
        "let current = await history.afterWriting();;",
        "let current = history.file.last ?? (await history.afterWriting());;",
      ),
    ],
    plans: ["superseded", "claims"],
  },
  {
    name: "a save ignores a claim that is being made",
    edits: [edit("commit/acknowledge", "if (record.claiming !== undefined)", "if (false)")],
    plans: ["superseded", "claims", "first claim"],
  },
  {
    name: "a save that a claim has kept passes for refused",
    edits: [edit("commit/acknowledge", "if (isThere)\n                    return;\n", "")],
    plans: ["superseded", "claims"],
  },
  {
    name: "a superseded writer is not refused",
    edits: [edit("commit/acknowledge", "throw fenced(history, record);", "return;")],
    plans: ["superseded", "claims"],
  },
  {
    name: "a save does not look at the floor",
    edits: [
      edit(
        "commit/acknowledge",
        "if (isThere)\n                return;\n            throw dead(history, id, current);",
        "return;",
      ),
    ],
    plans: ["slow saves", "retention"],
  },
  {
    name: "a failed look at the history passes for certain",
    edits: [
      edit(
        "commit/acknowledge",
        "throw error instanceof BackendError ? unknownOutcome(history.place, id, error) : error;",
        "throw error;",
      ),
    ],
    plans: ["plain", "claims"],
  },
  {
    name: "a lost swap of the history passes for done",
    edits: [
      edit(
        "history/history-file",
        "throw swapped.lost;",
        "return this.#know({ record, version: found.stored.version });",
      ),
    ],
    plans: ["claims", "retention"],
  },
  {
    name: "swaps without a token of their own",
    edits: [edit("history/history-file", "const token = newToken();", 'const token = "0".repeat(32);')],
    plans: ["claims", "retention", "pins"],
  },
  {
    name: "the pointer moves back",
    edits: [
      edit("history/pointer-file", "if (current.checkpointId >= id && ", "if (current.checkpointId === id && "),
      edit("history/pointer-file", "Math.max(id, current.checkpointId)", "(id || current.checkpointId)"),
    ],
    plans: ["plain", "slow saves"],
  },
  {
    name: "an update whose answer was lost is applied once more",
    edits: [
      edit(
        "commit/update",
        "if (current.updateToken !== lost.token)\n                throw unknownUpdate(place, id, lost.cause);",
        "if (current.updateToken !== lost.token) { lost = undefined; continue; }",
      ),
    ],
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
]
