import { edit, type Mutant } from "./mutant.js"

/** The syncs of `@ckpt/fs`, and what is done about a sync that fails, each left out. */
export const diskMutants: readonly Mutant[] = [
  {
    name: "the folder of new names is not synced",
    fsEdits: [
      edit("files/publish", "[directory?.sync(), publication.meanwhile?.()]", "[undefined, publication.meanwhile?.()]"),
    ],
    plans: ["disk"],
  },
  {
    name: "what is staged is not synced",
    fsEdits: [edit("commit/commit-batch", "together([stage.sync(), stage.info()", "together([undefined, stage.info()")],
    plans: ["disk"],
  },
  {
    name: "the bytes of a file that is put are not synced",
    fsEdits: [edit("objects/put", "await file.sync();", "")],
    plans: ["disk"],
  },
  {
    name: "a sync that failed passes for done",
    fsEdits: [edit("files/publish", 'if (synced.status === "rejected" || isLost) {', "if (false) {")],
    plans: ["failing syncs"],
  },
  {
    name: "a sync that another call's sync has emptied passes for done",
    fsEdits: [edit("files/publish", "const { isLost } = unsynced;", "const isLost = false;")],
    plans: ["failing syncs"],
  },
  {
    name: "recovery gives a checkpoint that a crash may still undo",
    edits: [edit("recovery/recover", "await assertStays(history, found, options.signal);", "")],
    plans: ["failing syncs"],
  },
  {
    name: "others go because of a checkpoint that a crash may still undo",
    edits: [edit("history/summary", "return storage.isDurable(", "return true || storage.isDurable(")],
    plans: ["failing syncs"],
  },
]
