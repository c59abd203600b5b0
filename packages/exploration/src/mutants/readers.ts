import { runs, type Written } from "../scenario/written.js"
import { edit, type Mutant } from "./mutant.js"

/**
 * Two writers save 3. A reader lists the 3 of the faster one, and reads the history. The faster one saves 4 and prunes 3; the slower
 * one creates 3 again, and is refused. Then the reader reads that manifest.
 *
 * @param before the request of the reader before which it waits
 */
function createdAgain(reader: Written["processes"][number], before: string): Written {
  const faster = [{ do: "save" }, { do: "save" }, { do: "prune", policy: "last 1" }] as const
  return {
    start: "two",
    processes: [[{ do: "save" }], faster, reader],
    steps: [runs(1, "put manifest-3"), runs(2, "put manifest-4"), runs(3, before), runs(2), runs(1), runs(3)],
  }
}

/** The rules by which readers judge what counts, each left out. */
export const readerMutants: readonly Mutant[] = [
  {
    name: "claims are ignored",
    edits: [edit("history/rule", "return writerEpoch === undefined || writerEpoch === history.epoch;", "return true;")],
    plans: ["superseded", "claims"],
  },
  {
    name: "readers ignore the floor",
    edits: [edit("history/rule", "if (isUpToFloor(id, history))", "if (false)")],
    plans: ["claims", "slow saves"],
  },
  {
    name: "the history is read before the listing",
    edits: [
      edit(
        "history/history",
        'return this.#viewOf(await this.lister[options.of ?? "everything"](signal), signal, options);',
        `const early = [await this.pointer.readHint(signal), await this.current(signal)];
        return this.#viewOf(await this.lister[options.of ?? "everything"](signal), signal, options, early);`,
      ),
      edit(
        "history/history",
        "async #viewOf(listing, signal, { onListed, remembered = false }) {",
        "async #viewOf(listing, signal, { onListed, remembered = false }, early) {",
      ),
      edit(
        "history/history",
        "= await together([this.pointer.readHint(signal), this.current(signal)]);",
        "= early ?? (await together([this.pointer.readHint(signal), this.current(signal)]));",
      ),
    ],
    // A plain writer is about to write 3. The reader reads the history; another claims; manifest 3 is written, and refused. The
    // reader lists it, and by the history of before the claim it counts.
    written: {
      start: "two",
      processes: [[{ do: "save" }], [{ do: "claim" }], [{ do: "loadLatest" }]],
      steps: [runs(1, "put manifest-3"), runs(3, "page"), runs(2), runs(1), runs(3)],
    },
  },
  {
    name: "a state that went with its checkpoint passes for damaged if a late request has put the manifest back",
    edits: [edit("state/reader", "(await this.#mayCount(found))", "true")],
    // 1 is saved twice at once, and the second save is about to write the manifest. A reader has read the manifest. Retention removes
    // 1; the manifest is written, and does not count; the reader asks for the state.
    written: {
      start: "nothing",
      processes: [
        [
          { do: "save", state: true },
          { do: "verify", which: 0 },
          { do: "save again", meanwhile: true },
          { do: "save" },
        ],
        [{ do: "prune", policy: "last 1" }],
        [{ do: "readState", which: 0 }],
      ],
      steps: [runs(1, "get manifest-1"), runs(1, "put manifest-1"), runs(3, "get state-1"), runs(2), runs(1), runs(3)],
    },
  },
  {
    name: "recovery takes a pruned checkpoint for damaged if a late request has put its manifest back",
    edits: [edit("recovery/recover", "if (stateless.length === 0 ||", "if (true ||")],
    // 1 is pinned, and 2 is saved twice at once; the second save is about to write the manifest. A reader has read the manifest. 3 is
    // saved, retention removes 2, and the manifest is written once more, with the version that it had. Then the reader asks for the state.
    written: {
      start: "nothing",
      contentVersions: true,
      processes: [
        [
          { do: "save", state: true },
          { do: "pin", which: 0, name: "a" },
          { do: "save", state: true },
          { do: "verify", which: 0 },
          { do: "save again", meanwhile: true },
          { do: "save", state: true },
        ],
        [{ do: "prune", policy: "last 1" }],
        [{ do: "recover" }],
      ],
      steps: [runs(1, "get manifest-2"), runs(3, "get state-2"), runs(1, "put manifest-2"), runs(2), runs(1), runs(3)],
    },
  },
  {
    name: "a manifest is judged by a history of before",
    edits: [edit("history/view", "if (!cameSince(this.listing, id, found)) {", "if (true) {")],
    // By the history of the reader, the new manifest 3 counts.
    written: createdAgain([{ do: "loadLatest" }], "get manifest-3"),
  },
  {
    name: "list judges by a history of before",
    edits: [
      edit(
        "history/summary",
        "return isBehind || all.some(({ isNewer }) => isNewer) ? view.now(signal) : view;",
        "return view;",
      ),
    ],
    // As above, for a list: it shows 3 with the content of the refused save.
    written: createdAgain([{ do: "list" }], "get manifest-3"),
  },
  {
    name: "load judges by the history that is remembered",
    edits: [
      edit(
        "history/history",
        "this.judged(await this.current(signal), signal);",
        "this.judged(this.file.last ?? (await this.current(signal)), signal);",
      ),
    ],
    // As above, for a reader that has read the history before: by that, the 3 of the refused save counts.
    written: createdAgain([{ do: "pins" }, { do: "load", which: 0 }], "get manifest"),
  },
  {
    name: "a manifest above the epoch is judged all the same",
    edits: [
      edit(
        "history/view",
        "if (this.current.lost === undefined && (epochsOf(found.manifest)?.carries ?? 0) > this.record.epoch)",
        "if (false)",
      ),
    ],
    plans: ["history rolled back"],
  },
  {
    name: "a listing that lacks what must be there passes for whole",
    edits: [edit("history/view", "get lacking() {", "get lacking() {\nreturn [];")],
    plans: ["readers", "manifests damaged"],
  },
  {
    name: "a listing is not compared with what was there at the last removal",
    edits: [
      edit(
        "history/view",
        "[this.pointer.checkpointId, this.record.top, this.record.kept.highest]",
        "[this.pointer.checkpointId]",
      ),
    ],
    plans: ["readers", "manifests damaged"],
  },
  {
    name: "loadLatest does not list again when a manifest is gone",
    edits: [
      edit(
        "recovery/load",
        'if (found === undefined)\n            return "gone";',
        "if (found === undefined)\ncontinue;",
      ),
    ],
    plans: ["read while pruned"],
  },
  {
    name: "recovery does not list again when a manifest is gone",
    edits: [edit("recovery/recover", 'if (found.gone)\n                return "gone";', "if (found.gone)\ncontinue;")],
    // The reader lists 1 2 3. Another saves 4 and prunes what is odd, so 3 is gone. The reader goes down to 2, and 3 was there
    // when the reading began.
    written: {
      start: "three, no pointer",
      processes: [[{ do: "recover" }], [{ do: "save" }, { do: "prune", policy: "every 2" }]],
      steps: [runs(1, "get manifest-3", "get state-3"), runs(2), runs(1)],
    },
  },
  {
    name: "what is pruned while it is read passes for damaged",
    // The manifest is looked at, and then the history. Either look suffices here.
    edits: [
      edit("verify/verifier", "const isPruned = ", "const isPruned = false && "),
      edit("recovery/recover", "if (stateless.length === 0 ||", "if (true ||"),
    ],
    // The reader has read manifest 3. Another saves 4 and prunes what is odd: manifest 3 is gone, and then state 3. The reader
    // finds no state, and calls 3 damaged.
    written: {
      start: "three, no pointer",
      processes: [[{ do: "recover" }], [{ do: "save" }, { do: "prune", policy: "every 2" }]],
      steps: [runs(1, "get state-3"), runs(2), runs(1)],
    },
  },
  {
    name: "a pointer that a refused save moved passes for a sign of checkpoints",
    edits: [edit("recovery/recover", "return examined === 0;", "return examined === 0 && pointer.checkpointId === 0;")],
    // A plain writer is about to write 1, the first. Another claims; manifest 1 is written, and refused, and the pointer names it.
    // Nothing counts, and a reader calls the store exhausted.
    written: {
      start: "nothing",
      processes: [[{ do: "save" }], [{ do: "claim" }], [{ do: "recover" }]],
      steps: [runs(1, "put manifest-1"), runs(2), runs(1), runs(3)],
    },
  },
  {
    name: "a higher id that is listed and dead hides a checkpoint that is missing",
    edits: [
      edit(
        "history/view",
        "filter((id) => id > 0 && !manifests.has(id) && this.mayCount(id))",
        "filter((id) => id > 0 && !manifests.has(id) && this.mayCount(id) && ![...manifests.keys()].some((other) => other > id && this.mayCount(other)))",
      ),
    ],
    plans: ["beside the reference", "manifests damaged"],
  },
  {
    name: "a state that was put back has the damage of the one before",
    edits: [edit("verify/memory", "=== stateChecksum && before.state === state", "=== stateChecksum")],
    plans: ["losses"],
  },
  {
    name: "a page ends at a checkpoint that went, below one that does not count",
    edits: [
      edit(
        "history/list",
        "highestGoneOf(batch, read, judge) > (found[0]?.id ?? 0)",
        "highestGoneOf(batch, read, judge) === view.latestFirst()[0]",
      ),
    ],
    plans: ["long"],
  },
  {
    name: "a list ends without the checkpoint that came while its latest was removed",
    edits: [edit("history/list", "(id) => id >= from", "() => false")],
    plans: ["losses", "read while pruned"],
  },
]
