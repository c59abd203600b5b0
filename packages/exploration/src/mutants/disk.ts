import { edit, type Mutant } from "./mutant.js"

/** The syncs of `@ckpt/fs`, and what is done about those that fail or are under way, each left out. */
export const diskMutants: readonly Mutant[] = [
  {
    name: "the folder of new names is not synced",
    fsEdits: [edit("files/publish", "[directory?.sync(), publication.meanwhile?.()]", "[undefined, publication.meanwhile?.()]")],
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
    name: "new folders are not synced",
    fsEdits: [edit("files/directories", "await handle?.sync();", "")],
    plans: ["disk"],
  },
  {
    name: "a sync that failed passes for done",
    fsEdits: [edit("files/publish", 'if (synced.status === "rejected") {', "if (false) {")],
    plans: ["failing syncs"],
  },
  {
    name: "a name is believed while its sync is under way",
    fsEdits: [
      edit("files/doubts", "for (const name of upwards(path))\n        await registry.unsynced.get(name);", ""),
    ],
    plans: ["disk"],
  },
  {
    name: "a name in doubt is believed",
    fsEdits: [edit("files/doubts", "if (registry.doubtful.size === 0)", "if (true)")],
    plans: ["failing syncs"],
  },
]
