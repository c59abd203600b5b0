import { runs } from "../scenario/written.js"
import { edit, type Mutant } from "./mutant.js"

/** What is done about a history that is lost, each left out. */
export const lostMutants: readonly Mutant[] = [
  {
    name: "a lost history is taken for empty",
    edits: [edit("history/history", "if (reason === undefined) {", "if (true) {")],
    plans: ["history lost"],
  },
  {
    name: "readers do not judge a lost history by the manifests",
    edits: [edit("history/history", "if (current.lost === undefined)", "if (true)")],
    plans: ["history lost"],
  },
  {
    name: "a claim believes a lost history",
    edits: [
      edit(
        "history/claim",
        "current.lost === undefined ? current.record : await anew",
        "true ? current.record : await anew",
      ),
    ],
    plans: ["history lost"],
  },
  {
    name: "the pointer does not tell of the history",
    edits: [edit("history/history", 'if (this.place.layout.pointerFormat !== "json")', "if (true)")],
    plans: ["history lost"],
  },
  {
    name: "the pointer is asked twice whether there is a history",
    edits: [
      edit(
        "history/history",
        "this.#lossOf(stored, epochSeen, wasThere, isSaid)",
        "this.#lossOf(stored, epochSeen, wasThere, isSaid || (stored.version === undefined && (await this.#isSaid(signal))))",
      ),
    ],
    plans: ["updates"],
  },
  {
    name: "a first history is made without a look at the pointer",
    edits: [edit("history/history", "await this.#isSaid(signal, true)", "false")],
    // A store has seen that there is no history, and prunes, with nothing to remove. Meanwhile another pins 1, and the history is
    // lost. The next prune removes 1.
    written: {
      start: "two",
      processes: [
        [{ do: "recover" }, { do: "prune", policy: "last 2" }, { do: "prune", policy: "last 1" }],
        [
          { do: "pin", which: 1, name: "a" },
          { do: "damage history", how: "delete", ago: 1, after: 0 },
        ],
      ],
      steps: [runs(1, "get manifest-1"), runs(2), runs(1)],
    },
  },
  {
    name: "a history that is older than the manifests is believed",
    edits: [edit("history/history", "if (epoch < epochSeen)", "if (false)")],
    plans: ["history rolled back"],
  },
  {
    name: "a claim believes a history that is older than the manifests",
    edits: [edit("history/claim", "if ((epochs?.carries ?? 0) > record.epoch)", "if (false)")],
    // A leader of claim 2 saves 4. The history of claim 1 is put back. The next claim goes by it, and does not keep 4.
    written: {
      start: "claimed",
      processes: [
        [{ do: "claim" }, { do: "save" }, { do: "damage history", how: "roll back", ago: 2, after: 0 }],
        [{ do: "claim" }],
      ],
      steps: [runs(1), runs(2)],
    },
  },
  {
    name: "manifests that were read after the history was built anew judge in its place",
    edits: [edit("history/history", "now.lost === undefined ?", "false ?")],
    // The history and the state of 4 are lost. A reader goes by the manifests. Before it has read them, another claims, and recovers 3,
    // which carries the claim from then on. So 4 passes for superseded, although the claim has kept it, and nothing is said of its loss.
    written: {
      start: "pruned",
      processes: [
        [
          { do: "damage history", how: "garble", ago: 1, after: 0 },
          { do: "lose", part: "state", which: 0, after: 0 },
          { do: "recover" },
        ],
        [{ do: "claim" }, { do: "recover" }],
      ],
      steps: [runs(1, "get latest", "get state-4"), runs(2), runs(1)],
    },
  },
  {
    name: "a history that was created meanwhile passes for lost",
    edits: [edit("history/history", "if (isSaid)", "if (false)")],
    plans: ["updates", "retention"],
  },
  {
    name: "a first history that another call saw meanwhile passes for lost",
    edits: [edit("history/history", "if (wasThere)", "if (this.#lineage !== undefined)")],
    plans: ["pins", "updates"],
  },
]
