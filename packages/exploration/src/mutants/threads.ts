import { edit, type Mutant } from "./mutant.js"

const threads = ["threads"] as const
const deleting = ["threads copied and deleted"] as const
const slow = ["slow puts"] as const
const damaged = ["threads damaged"] as const

/** The rules by which `@ckpt/langgraph` stores and removes checkpoints of threads, each left out. */
export const threadMutants: readonly Mutant[] = [
  {
    name: "a checkpoint does not wait for its pieces",
    saverEdits: [
      edit(
        "put",
        "const day = await storePieces(context, threadId, pieces.keys(), (hash) => pieces.get(hash));",
        "const day = Math.floor(context.now() / 86_400_000);\n    void storePieces(context, threadId, pieces.keys(), (hash) => pieces.get(hash)).catch(() => {});",
      ),
    ],
    plans: threads,
  },
  {
    name: "pieces that took days to store are named all the same",
    saverEdits: [edit("pieces", "if (today(context) <= day + 1)", "if (true)")],
    plans: slow,
  },
  {
    name: "pieces of all days lie under one day",
    saverEdits: [
      edit("pieces", "const day = today(context);", "const day = 19_000;"),
      edit("pieces", "if (today(context) <= day + 1)", "if (true)"),
    ],
    plans: threads,
  },
  {
    name: "a known piece is not looked for",
    saverEdits: [edit("pieces", "(await asked) === namer.version", "asked.then(() => true, () => true)")],
    plans: deleting,
  },
  {
    name: "the same call on another day is another checkpoint",
    saverEdits: [
      edit(
        "put",
        "encodeCheckpoint({ ...a, day: 0 }), encodeCheckpoint({ ...b, day: 0 })",
        "encodeCheckpoint(a), encodeCheckpoint(b)",
      ),
    ],
    plans: threads,
  },
  {
    name: "pieces that nobody names go at once",
    saverEdits: [edit("prune", "dayOf(key) < firstDay && ", "")],
    plans: threads,
  },
  {
    name: "pieces that nobody names go after two days",
    saverEdits: [edit("time", "patienceMs = 3 * dayMs", "patienceMs = 2 * dayMs")],
    plans: slow,
  },
  {
    name: "pieces go although a checkpoint names them",
    saverEdits: [edit("prune", " && !named.has(key)", "")],
    plans: threads,
  },
  {
    name: "pieces are never removed",
    saverEdits: [edit("prune", "await objects.remove(unnamed);", "")],
    plans: threads,
  },
  {
    name: "a prune goes by a clock of its own",
    saverEdits: [edit("prune", "const now = await storageTime(context, threadId);", "const now = context.now();")],
    plans: threads,
  },
  {
    name: "a prune asks for the time after it has listed",
    saverEdits: [
      edit("prune", "const now = await storageTime(context, threadId);", ""),
      edit(
        "prune",
        "const kept = keptOf(seen,",
        "const now = await storageTime(context, threadId);\n    const kept = keptOf(seen,",
      ),
    ],
    plans: slow,
  },
  {
    name: "a parent goes before the checkpoint that needs it",
    saverEdits: [edit("prune", "of childrenFirst(doomed))", "of childrenFirst(doomed).reverse())")],
    plans: threads,
  },
  {
    name: "a parent goes that a checkpoint needs",
    saverEdits: [edit("keep", "if (!needsParent ||", "if (true ||")],
    plans: threads,
  },
  {
    name: "the latest of a thread may go",
    saverEdits: [edit("keep", "return place < last ||", "return")],
    plans: threads,
  },
  {
    name: "what is named to stay goes",
    saverEdits: [edit("keep", "isInDoubt || keep.includes(one.checkpointId)", "isInDoubt")],
    plans: threads,
  },
  {
    name: "the checkpoints of a subgraph go before those of its graph",
    saverEdits: [edit("keep", "return staying.has(root) ||", "return")],
    plans: threads,
  },
  {
    name: "a subgraph's checkpoint goes whose graph has not stored its own yet",
    saverEdits: [edit("keep", " || (!all.has(root) && now - each.one.modified.getTime() < patienceMs)", "")],
    plans: threads,
  },
  {
    name: "a subgraph's checkpoint goes whose root stays for another",
    saverEdits: [edit("keep", "...ofRoots(seen, kept,", "...ofRoots(seen, new Set(ofRules(seen, rules, now)),")],
    plans: threads,
  },
  {
    name: "a subgraph's checkpoint goes whose root is damaged",
    saverEdits: [edit("keep", ", ...damaged].filter(isOfGraph)", "].filter(isOfGraph)")],
    plans: damaged,
  },
  {
    name: "the latest may go if a damaged one is later",
    saverEdits: [edit("prune", "if (tuple === undefined)", "if (false)")],
    plans: damaged,
  },
  {
    name: "pieces go while a checkpoint is damaged",
    saverEdits: [edit("prune", "if (damaged.length > 0)", "if (false)")],
    plans: damaged,
  },
  {
    name: "writes go whose checkpoint is on its way",
    saverEdits: [edit("prune", "!isThere && now - modified.getTime() > patienceMs", "!isThere")],
    plans: threads,
  },
  {
    name: "writes without a checkpoint stay for ever",
    saverEdits: [edit("prune", "[...doomed.map(({ one }) => one), ...abandoned]", "doomed.map(({ one }) => one)")],
    plans: threads,
  },
  {
    name: "a checkpoint is read without writes that were removed with it",
    saverEdits: [
      edit(
        "writes",
        "if (stored === undefined)\n            return undefined;",
        "if (stored === undefined)\n            continue;",
      ),
    ],
    plans: ["threads, weak listings"],
  },
  {
    name: "what was removed while it was read passes for damaged",
    saverEdits: [edit("load", "if ((await context.objects.head(checkpointKey(base))) === undefined)", "if (false)")],
    plans: slow,
  },
  {
    name: "a deletion begins with the pieces",
    saverEdits: [
      edit(
        "remove",
        "await removeCheckpoints(objects, checkpointsOf(threadId));\n    const pieces",
        "await objects.remove((await objects.list({ prefix: piecesOf(threadId) })).map(({ key }) => key));\n    await removeCheckpoints(objects, checkpointsOf(threadId));\n    const pieces",
      ),
    ],
    plans: deleting,
  },
  {
    name: "a deletion begins with the latest",
    saverEdits: [
      edit(
        "remove",
        "await objects.remove(others);",
        "await objects.remove([...last]);\n    await objects.remove(others);",
      ),
    ],
    plans: deleting,
  },
  {
    name: "a deletion leaves the writes",
    saverEdits: [edit("remove", "await objects.remove(all.flatMap(({ writes }) => writes));", "")],
    plans: deleting,
  },
  {
    name: "a copy does not wait for pieces",
    saverEdits: [
      edit(
        "copy",
        "const day = await storePieces(",
        "const day = Math.floor(context.now() / 86_400_000);\n    void storePieces(",
      ),
      edit("copy", "return bytes;\n    });", "return bytes;\n    }).catch(() => {});"),
    ],
    plans: deleting,
  },
  {
    name: "a copy names pieces of the original's day",
    saverEdits: [
      edit(
        "copy",
        'await storeCheckpoint(context, "copyThread", { ...stored, threadId, day });',
        'await storeCheckpoint(context, "copyThread", { ...stored, threadId });',
      ),
    ],
    plans: slow,
  },
  {
    name: "a copy begins with the latest",
    saverEdits: [edit("copy", "byUtf8(a.checkpointId, b.checkpointId)", "byUtf8(b.checkpointId, a.checkpointId)")],
    plans: deleting,
  },
  {
    name: "a copy leaves out writes that were removed meanwhile",
    saverEdits: [edit("copy", 'throw lacking(one, "writes");', "return;")],
    plans: deleting,
  },
  {
    name: "a copy calls damaged what was removed meanwhile",
    saverEdits: [
      edit("copy", "if ((await context.objects.head(checkpointKey(one.base))) === undefined)", "if (false)"),
    ],
    plans: deleting,
  },
  {
    name: "a copy has a checkpoint before its writes",
    saverEdits: [
      edit(
        "copy",
        "await mapConcurrently(one.writes, async (key) => {",
        'await storeCheckpoint(context, "copyThread", { ...stored, threadId, day });\n    await mapConcurrently(one.writes, async (key) => {',
      ),
    ],
    plans: deleting,
  },
]
