import { edit, type Mutant } from "./mutant.js"

/** The rules by which readers judge what counts, each left out. */
export const readerMutants: readonly Mutant[] = [
  {
    name: "claims are ignored",
    edits: [
      edit(
        "history/rule",
        "return pointer.claims.every((claim) => claim.epoch <= writerEpoch || claim.from >= id);",
        "return true;",
      ),
    ],
    plans: ["superseded", "claims"],
  },
  {
    name: "the pointer's id is not required of fenced manifests",
    edits: [edit("history/rule", "id > pointer.checkpointId)", "false)")],
    plans: ["superseded", "claims"],
  },
  {
    name: "readers ignore the floor",
    edits: [
      edit("history/rule", "return pointer.floor === 0 || id > pointer.floor || pointer.kept.has(id);", "return true;"),
    ],
    isRare: true,
    plans: ["slow saves", "retention", "readers"],
  },
  {
    name: "the pointer is read before the listing",
    edits: [
      edit(
        "history/history",
        'return this.#judged(await this.lister[options.of ?? "everything"](signal), signal, options);',
        `const early = await this.pointer.read(signal);
        return this.#judged(await this.lister[options.of ?? "everything"](signal), signal, options, early);`,
      ),
      edit(
        "history/history",
        "async #judged(listing, signal, { onListed }) {",
        "async #judged(listing, signal, { onListed }, early) {",
      ),
      edit(
        "history/history",
        "new View(listing, await read(signal), read)",
        "new View(listing, early ?? (await read(signal)), read)",
      ),
    ],
    plans: ["superseded", "readers"],
  },
  {
    name: "a listing older than the pointer passes for whole",
    edits: [edit("history/view", "get lacksNamed() {", "get lacksNamed() {\nreturn false;")],
    plans: ["readers"],
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
    plans: ["readers"],
  },
  {
    name: "recovery does not list again when a manifest is gone",
    edits: [edit("recovery/recover", 'if (found.gone)\n                return "gone";', "if (found.gone)\ncontinue;")],
    isRare: true,
    plans: ["readers"],
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
    plans: ["readers"],
  },
]
