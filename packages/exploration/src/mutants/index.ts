import type { PlanName } from "../scenario/plans.js"
import type { StorageFlaws } from "../storage/storage.js"
import type { Edit } from "./variant.js"

/** The protocol without one of its rules. */
export interface Mutant {
  readonly name: string
  /** What goes wrong without it, where that is not plain. */
  readonly edits?: readonly Edit[]
  readonly flaws?: StorageFlaws
  /** It takes thousands of schedules to find: the tests play the one that was kept, `pnpm record` finds it anew. */
  readonly isRare?: boolean
  /** Where it shows. */
  readonly plans: readonly PlanName[]
}

const edit = (file: string, find: string, replace: string): Edit => ({ file: `${file}.js`, find, replace })

/** Each protection of the protocol, left out. */
export const mutants: readonly Mutant[] = [
  // ---- what the storage must do
  { name: "compare-and-swap is a plain put", flaws: { replacesAnyVersion: true }, plans: ["claims", "plain"] },
  { name: "create overwrites", flaws: { createOverwrites: true }, plans: ["plain"] },

  // ---- commit
  {
    name: "no read-back of the state",
    edits: [
      edit(
        "commit/create-state",
        "if (await settleState(place, id, feed.info(), signal, cause))",
        'if (cause.kind === "ambiguous" || (await settleState(place, id, feed.info(), signal, cause)))',
      ),
    ],
    plans: ["plain", "claims"],
  },
  {
    name: "no read-back of the manifest",
    edits: [
      edit(
        "commit/create-manifest",
        "const settled = await settleManifest(",
        'const settled = lost !== undefined ? "created" : await settleManifest(',
      ),
    ],
    plans: ["plain", "claims"],
  },
  {
    name: "no read-back of the pointer",
    edits: [
      edit(
        "history/pointer-file",
        "failure = swapped.lost;",
        "return { done: true, pointer: { ...current, ...change } };",
      ),
    ],
    plans: ["claims"],
  },
  {
    name: "a manifest that is there passes for ours",
    edits: [
      edit(
        "commit/create-manifest",
        "const settled = await settleManifest(",
        'const settled = lost === undefined ? "existed" : await settleManifest(',
      ),
    ],
    plans: ["plain"],
  },
  {
    name: "save cleans up its own state",
    edits: [
      edit(
        "commit/commit",
        "const outcome = await createManifestObject(history, manifest, job.signal);",
        `const outcome = await createManifestObject(history, manifest, job.signal).catch(async (error) => {
          await history.place.storage.delete([history.place.layout.stateKey(job.id)]);
          throw error;
        });`,
      ),
    ],
    plans: ["plain"],
  },
  {
    name: "a save is acknowledged before the pointer moved",
    edits: [
      edit(
        "commit/acknowledge",
        "advance = await history.pointer.advance(id);",
        "advance = { pointer: noPointer, isLatest: true };",
      ),
    ],
    plans: ["claims"],
  },
  {
    name: "a save does not look at the floor",
    edits: [edit("commit/acknowledge", "if (!counts(id, advance.pointer))", "if (false)")],
    isRare: true,
    plans: ["slow saves", "retention"],
  },
  {
    name: "the pointer moves back",
    edits: [edit("history/pointer-file", "if (current.checkpointId >= id) {", "if (false) {")],
    isRare: true,
    plans: ["superseded", "claims"],
  },
  {
    name: "swaps without a token of their own",
    edits: [edit("history/pointer-file", "const token = newToken();", 'const token = "same";')],
    plans: ["claims"],
  },
  {
    name: "a failed commit of a writer that claimed passes for certain",
    edits: [
      edit(
        "commit/acknowledge",
        "throw unknownOutcome(history.place, id, error);\n    }\n    if (!counts(id, advance.pointer))",
        "throw error;\n    }\n    if (!counts(id, advance.pointer))",
      ),
    ],
    plans: ["claims"],
  },

  // ---- readers
  {
    name: "claims are ignored",
    edits: [
      edit(
        "history/rule",
        "return pointer.claims.every((claim) => claim.epoch <= (writerEpoch ?? 0) || claim.from >= id);",
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
        "const listing = await this.lister[of](signal);",
        "const early = await this.pointer.read(signal); const listing = await this.lister[of](signal);",
      ),
      edit("history/history", "new View(listing, await read(signal), read)", "new View(listing, early, read)"),
    ],
    plans: ["superseded", "readers"],
  },
  {
    name: "a listing older than the pointer is not made again",
    edits: [edit("history/view", "get isBehind() {", "get isBehind() {\nreturn false;")],
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

  // ---- deleting
  {
    name: "retention at the latest valid checkpoint",
    edits: [
      edit("retention/prune", "if (outline.id < latestValid && !kept.has(outline.id))", "if (!kept.has(outline.id))"),
    ],
    plans: ["retention"],
  },
  {
    name: "remove at the latest valid checkpoint",
    edits: [
      edit(
        "retention/remove",
        "if (latestValid === undefined || id >= latestValid) {",
        "if (latestValid === undefined) {",
      ),
    ],
    plans: ["retention"],
  },
  {
    name: "collection at or above the latest valid checkpoint",
    edits: [
      edit("retention/orphans", "if (id < bound && !manifests.manifests.has(id)", "if (!manifests.manifests.has(id)"),
    ],
    plans: ["collection"],
  },
  {
    name: "collection of what is young",
    edits: [edit("retention/orphans", "const isOld = (meta) =>", "const isOld = () => true; const unused = (meta) =>")],
    plans: ["collection"],
  },
  {
    name: "collection by a clock of its own",
    edits: [edit("retention/orphans", "storage.now(signal)]", "new Date(8e15)]")],
    plans: ["collection"],
  },
  {
    name: "collection lists manifests before states",
    edits: [
      edit(
        "retention/orphans",
        "lister.states(signal).then(async (states) => ({ states, manifests: await lister.manifests(signal) }))",
        "lister.manifests(signal).then(async (manifests) => ({ manifests, states: await lister.states(signal) }))",
      ),
    ],
    isRare: true,
    plans: ["slow saves"],
  },
  {
    name: "no floor",
    edits: [
      edit("history/pointer-file", "return this.#change(raise, () => this.lastSeen());", "return this.lastSeen();"),
    ],
    plans: ["slow saves", "retention"],
  },
  {
    name: "the floor keeps nothing",
    edits: [edit("history/pointer-file", "[...kept, ...current.pins.values()]", "[]")],
    plans: ["retention"],
  },
  {
    name: "prune removes the state before the manifest",
    edits: [
      edit(
        "retention/remove",
        "report(manifestKey, doomed, await storage.delete([...doomed.map(manifestKey), ...trimmed], signal));",
        `await storage.delete(doomed.map(stateKey), signal);
        report(manifestKey, doomed, await storage.delete([...doomed.map(manifestKey), ...trimmed], signal));`,
      ),
    ],
    plans: ["readers"],
  },
  {
    name: "claims are trimmed while something needs them",
    edits: [
      edit(
        "history/floor",
        "const last = claims.findLastIndex((claim) => claim.from < lowest);",
        "const last = claims.length - 1;",
      ),
    ],
    isRare: true,
    plans: ["claims and deletes", "long"],
  },

  // ---- claims
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
        "return current.checkpointId >= id && countsAs(id, this.#writer?.epoch, current);",
        "return false;",
      ),
    ],
    plans: ["superseded", "claims"],
  },

  // ---- pins
  {
    name: "a pin is an object alone",
    edits: [
      edit("history/pin", "if (current.pins.get(name) === id)\n            return undefined;", "return undefined;"),
    ],
    plans: ["pins"],
  },
  {
    name: "what was pinned meanwhile is not spared",
    edits: [edit("retention/remove", "return remove(pinsOf({ pins: [] }, raised), ", "return remove([], ")],
    plans: ["pins"],
  },
  {
    name: "the floor does not keep what is pinned",
    edits: [edit("history/pointer-file", "[...kept, ...current.pins.values()]", "kept")],
    plans: ["pins"],
  },
  {
    name: "a pin does not ask whether its checkpoint still counts",
    edits: [edit("history/pin", "if (!countsAs(id, epoch, current))", "if (false)")],
    plans: ["pins"],
  },
]
