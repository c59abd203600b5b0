import { edit, type Mutant } from "./mutant.js"

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
        "= await Promise.all([this.pointer.readHint(signal), this.current(signal)]);",
        "= early ?? (await Promise.all([this.pointer.readHint(signal), this.current(signal)]));",
      ),
    ],
    plans: ["superseded", "readers", "claims"],
  },
  {
    name: "a manifest is judged by a history of before",
    edits: [edit("history/view", "if (!cameSince(this.listing, id, found)) {", "if (true) {")],
    isRare: true,
    plans: ["ids used twice"],
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
    edits: [edit("history/view", "get lacks() {", "get lacks() {\nreturn undefined;")],
    plans: ["readers", "manifests damaged"],
  },
  {
    name: "a listing is not compared with what was there at the last removal",
    edits: [
      edit("history/view", "return [this.record.top, this.record.kept.highest].find(isMissed);", "return undefined;"),
    ],
    isRare: true,
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
    isRare: true,
    plans: ["read while pruned"],
  },
  {
    name: "recovery does not list again when a manifest is gone",
    edits: [edit("recovery/recover", 'if (found.gone)\n                return "gone";', "if (found.gone)\ncontinue;")],
    isRare: true,
    plans: ["read while pruned"],
  },
  {
    name: "what is pruned while it is read passes for damaged",
    edits: [
      edit(
        "verify/verifier",
        "return gone(id, found,",
        "return ((...args) => ({ ...gone(...args), gone: false }))(id, found,",
      ),
    ],
    isRare: true,
    plans: ["read while pruned"],
  },
  {
    name: "a pointer that a refused save moved passes for a sign of checkpoints",
    edits: [edit("recovery/recover", "return examined === 0;", "return examined === 0 && pointer.checkpointId === 0;")],
    plans: ["first claim", "claims"],
  },
  {
    name: "a higher id that is listed and dead hides a checkpoint that is missing",
    edits: [
      edit(
        "history/view",
        "const isMissed = (id) => id > 0 && !manifests.has(id) && this.mayCount(id);",
        "const isMissed = (id) => id > 0 && !manifests.has(id) && this.mayCount(id) && ![...manifests.keys()].some((other) => other > id && this.mayCount(other));",
      ),
    ],
    isRare: true,
    plans: ["beside the reference", "manifests damaged"],
  },
]
