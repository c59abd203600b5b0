import { edit, type Mutant } from "./mutant.js"

/** The rules of one writer, each left out. */
export const claimMutants: readonly Mutant[] = [
  {
    name: "a superseded writer is not refused",
    edits: [
      edit(
        "history/pointer-file",
        "assertLeads(pointer, writer = this.#writer) {",
        "assertLeads(pointer, writer = this.#writer) {\nreturn;",
      ),
    ],
    plans: ["claims"],
  },
  {
    name: "a plain writer is not refused",
    edits: [
      edit(
        "history/pointer-file",
        "assertLeads(pointer, writer = this.#writer) {",
        "assertLeads(pointer, writer = this.#writer) {\nif (writer === undefined) return;",
      ),
    ],
    plans: ["first claim"],
  },
  {
    name: "the first claim does not list",
    edits: [edit("history/claim", "const latest = await endOfHistory(history, [], signal);", "const latest = 0;")],
    plans: ["first claim"],
  },
  {
    name: "the first claim lists before it leads",
    edits: [
      edit(
        "history/claim",
        "const before = await history.pointer.read(signal);",
        "history.early = await endOfHistory(history, [], signal);\nconst before = await history.pointer.read(signal);",
      ),
      edit("history/claim", "const latest = await endOfHistory(history, [], signal);", "const latest = history.early;"),
    ],
    isRare: true,
    plans: ["first claim"],
  },
  {
    name: "two claims of one epoch",
    edits: [edit("history/claim", "writer.epoch = 1 + Math.max(", "writer.epoch = Math.max(1, ")],
    plans: ["superseded", "claims"],
  },
  {
    name: "late updates are not shut out",
    edits: [edit("history/claim", "await shutOutLateUpdates(history, view", "await (async () => {})(history, view")],
    plans: ["superseded", "claims"],
  },
  {
    name: "an update does not ask again who leads",
    edits: [edit("commit/update", "await confirmLead(history, id, signal);\n            return next;", "return next;")],
    plans: ["superseded", "claims"],
  },
  {
    name: "a lost swap of a superseded writer is not settled by the history",
    edits: [
      edit(
        "history/pointer-file",
        "return current.checkpointId >= id && counts(id, this.#writer?.epoch ?? 0, current);",
        "return false;",
      ),
    ],
    plans: ["superseded", "claims"],
  },
]
