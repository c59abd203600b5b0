import { gets, runs } from "../scenario/written.js"
import { edit, type Mutant } from "./mutant.js"

/** The looks that keep a reader from stepping back in silence, each left out. */
export const silenceMutants: readonly Mutant[] = [
  {
    name: "what pointer or history names is not looked at by itself",
    edits: [
      edit("history/history", "const meta = await this.#manifestMeta(lacks, signal);", "const meta = undefined;"),
    ],
    // 3 is saved, and every listing lacks it for now. The reader gives 2.
    written: {
      start: "two",
      processes: [[{ do: "save" }, { do: "loadLatest" }]],
      steps: [{ process: 1, lags: 2 }],
    },
  },
  {
    name: "nothing is listed again when what pointer or history names is gone",
    edits: [edit("history/history", "? await this.look(signal, { ...options, remembered: false })", "? view")],
    // The reader lists 1 2, and then the pointer names 3. Before it looks at 3, another saves 4 and prunes what is odd. 3 is
    // told as lost, and 2 is recovered.
    written: {
      start: "two",
      processes: [[{ do: "recover" }], [{ do: "save" }, { do: "save" }, { do: "prune", policy: "every 2" }]],
      steps: [gets(1, "page"), runs(2, "put manifest-4"), runs(1, "head manifest-3"), runs(2), runs(1)],
    },
  },
  {
    name: "a listing passes for new enough whatever it covers",
    edits: [edit("history/history", "if (!view.covers(highest))", "if (false)")],
    // Each time that the reader has listed, another saves and prunes all but the latest and the pinned 1. The second listing
    // shows 1 and 6, and by the history behind it 6 is dead. 1 is read, and 4 was there when the reading began.
    written: {
      start: "pruned",
      processes: [
        [{ do: "loadLatest" }],
        [
          { do: "save" },
          { do: "save" },
          { do: "prune", policy: "last 1" },
          { do: "save" },
          { do: "prune", policy: "last 1" },
        ],
      ],
      steps: [
        gets(1, "page"),
        runs(2, "put manifest-6"),
        runs(1, "head manifest-5"),
        runs(2, "put manifest-7"),
        gets(1, "head manifest-5", "page"),
        runs(2),
        runs(1),
      ],
    },
  },
  {
    // 4, which the pointer names, is lost, and so is 1, which is looked at after it. Meanwhile another saves 5. The reader gives 3.
    name: "a listing passes for new enough if it covers what was looked at last",
    edits: [
      edit("history/history", "Math.max(before.lacks ?? lacks, before.highest)", "Math.max(lacks, before.highest)"),
    ],
    plans: ["damage at rest"],
  },
  {
    name: "a listing passes for new enough if it covers what does not count",
    edits: [edit("history/history", "if (await this.#isCounting(view, highest, signal))", "if (true)")],
    // A leader is about to write 5 and 6. Another claims, and keeps 1, 3 and 4; then 3 and 4 are lost. The reader lists 1. The superseded
    // leader writes 5, which the pointer names, and is refused. The reader looks at 5; 6 is written, and the pointer names 6. The
    // reader gives 1, and says nothing of 4.
    written: {
      start: "pruned",
      processes: [
        [{ do: "pins" }, { do: "recover" }],
        [{ do: "claim" }, { do: "save", meanwhile: true }, { do: "save" }],
        [{ do: "claim" }],
        [
          { do: "pins" },
          { do: "lose", part: "manifest", which: 0, after: 0 },
          { do: "lose", part: "manifest", which: 1, after: 0 },
        ],
      ],
      steps: [
        runs(2, "put manifest"),
        runs(3),
        runs(4),
        runs(1, "get latest"),
        runs(2, "put manifest-6"),
        runs(1, "head manifest-5"),
        runs(2),
        runs(1),
      ],
    },
  },
  {
    name: "a claim does not look at the checkpoint of the pointer",
    edits: [
      edit(
        "history/claim",
        "const listing = await history.listedWithPointer(signal);",
        "const listing = await history.lister.manifests(signal);",
      ),
    ],
    // 3 is saved, and every listing lacks it for now. The claim does not keep it.
    written: {
      start: "two",
      processes: [[{ do: "save" }, { do: "claim" }]],
      steps: [{ process: 1, lags: 4 }],
    },
  },
  {
    name: "a claim goes on without a pointer that it cannot read",
    edits: [
      edit(
        "history/history",
        "this.lister.manifests(signal),\n            this.pointer.read(signal),",
        "this.lister.manifests(signal),\n            this.pointer.readHint(signal),",
      ),
    ],
    plans: ["lagging listings"],
  },
  {
    name: "recovery says nothing of a lost checkpoint",
    edits: [edit("recovery/recover", "const missing = view.lacks;", "const missing = undefined;")],
    // 2 is lost, and the pointer names it. Recovery gives 1, and says nothing of 2.
    written: {
      start: "two",
      processes: [[{ do: "lose", part: "manifest", which: 0, after: 0 }, { do: "recover" }]],
      steps: [runs(1)],
    },
  },
  {
    name: "loadLatest, list and ids say nothing of a lost checkpoint",
    edits: [edit("history/missing", "if (lacks !== undefined && lacks > latest)", "if (false)")],
    // 2 is lost, and the pointer names it. The reader gives 1, and says nothing of 2.
    written: {
      start: "two",
      processes: [[{ do: "lose", part: "manifest", which: 0, after: 0 }, { do: "loadLatest" }]],
      steps: [runs(1)],
    },
  },
  {
    name: "loadLatest says that nothing was saved where all is lost",
    edits: [edit("recovery/load", "if (view.lacks !== undefined && found === undefined)", "if (false)")],
    // 1 and 2 are lost, and the pointer names 2.
    written: {
      start: "two",
      processes: [
        [
          { do: "lose", part: "both", which: 0, after: 0 },
          { do: "lose", part: "both", which: 1, after: 0 },
          { do: "loadLatest" },
        ],
      ],
      steps: [runs(1)],
    },
  },
  {
    name: "list does not look again when the latest that it listed is gone",
    edits: [
      edit(
        "history/list",
        "for (let round = 1; highestGone > highestShown; round++)",
        "for (let round = 1; false; round++)",
      ),
    ],
    // 2 is lost. A listing that lags still shows it, as the pointer does, and then its manifest is not there. The list is 1,
    // and says nothing of 2.
    written: {
      start: "two",
      processes: [[{ do: "lose", part: "manifest", which: 0, after: 0 }, { do: "list" }]],
      steps: [{ process: 1, only: ["page"], lags: 1 }, runs(1)],
    },
  },
]
