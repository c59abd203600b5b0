import { edit, type Mutant } from "./mutant.js"

/** The looks that keep a reader from stepping back in silence, each left out. */
export const silenceMutants: readonly Mutant[] = [
  {
    name: "what pointer or history names is not looked at by itself",
    edits: [
      edit("history/history", "const meta = await this.#manifestMeta(lacks, signal);", "const meta = undefined;"),
    ],
    plans: ["lagging listings"],
  },
  {
    name: "nothing is listed again when what pointer or history names is gone",
    edits: [edit("history/history", "? await this.look(signal, { ...options, remembered: false })", "? view")],
    plans: ["lagging listings", "readers"],
  },
  {
    name: "a listing passes for new enough whatever it covers",
    edits: [edit("history/history", "if (view.covers(Math.max(lacks, before.highest)))", "if (true)")],
    isRare: true,
    plans: ["lagging listings"],
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
    plans: ["lagging listings"],
  },
  {
    name: "recovery says nothing of a lost checkpoint",
    edits: [edit("recovery/recover", "const missing = view.lacks;", "const missing = undefined;")],
    plans: ["losses"],
  },
  {
    name: "loadLatest, list and ids say nothing of a lost checkpoint",
    edits: [
      edit("history/missing", "if (lacks !== undefined && (view.record.epoch > 0 || lacks > latest))", "if (false)"),
    ],
    plans: ["losses", "lost folders"],
  },
  {
    name: "loadLatest says that nothing was saved where all is lost",
    edits: [edit("recovery/load", "if (view.lacks !== undefined && found === undefined)", "if (false)")],
    plans: ["all is lost"],
  },
  {
    name: "list does not look again when the latest that it listed is gone",
    edits: [edit("history/list", "if (isGone)", "if (false)")],
    isRare: true,
    plans: ["losses"],
  },
]
