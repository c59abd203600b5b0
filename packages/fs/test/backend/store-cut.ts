import { gate } from "@ckpt/conformance"
import type { LayoutName } from "../../src/index.js"
import { MemoryFiles } from "./memory-files.js"
import { Disk, type Model, models, seeded, type Tree } from "./power-cut.js"
import { type Allowed, base, plantSource, root, Session, Told } from "./store-session.js"
import { verdict } from "./store-verdict.js"
import { forgetProcess, isTemporary } from "./support.js"
import type { Call } from "./watched-files.js"

/** Power cuts under a store: everything that a user does, on a model of a disk, and a new store that opens what is left. */

export interface Script {
  /** What was there before, and is durable. */
  before?(session: Session, dying: Dying): Promise<unknown>
  run(session: Session): Promise<unknown>
}

/** Lets a program work until it is killed, at the first call that `isLast` says. */
type Dying = (work: (session: Session) => Promise<unknown>, isLast: (call: Call) => boolean) => Promise<void>

/** The first sync after a manifest got its name, or was replaced. */
function atSyncOfManifest(): (call: Call) => boolean {
  let moved = false
  return ({ name, to = "" }) => {
    moved ||= (name === "link" || name === "rename") && /manifest|checkpoint_\d+$/.test(to)
    return moved && name === "sync"
  }
}

const saves = async (session: Session, ...ids: number[]) => {
  for (const id of ids) await session.save(id)
}

async function recoversAndSaves(session: Session): Promise<void> {
  await session.recover()
  await session.save(2)
}

async function another(session: Session, use: (second: Session) => Promise<unknown>): Promise<void> {
  const second = session.beside()
  await use(second)
  await second.close()
}

export const scripts: Record<string, Script> = {
  // Whatever a second program is told is there must be there, whoever wrote it.
  "a save again, after a program that was killed before its first sync": {
    before: (_, dying) =>
      dying(
        (first) => saves(first, 1),
        ({ name }) => name === "sync",
      ),
    run: (session) => saves(session, 1),
  },
  "a save again, after a program that was killed before its sync of the root": {
    before: (_, dying) =>
      dying(
        (first) => saves(first, 1),
        ({ name, path }) => name === "sync" && path === root,
      ),
    run: (session) => saves(session, 1),
  },
  "a save again, after a program that was killed before its last sync": {
    before: (_, dying) => dying((first) => saves(first, 1), atSyncOfManifest()),
    run: (session) => saves(session, 1),
  },
  "a claim, after a program that was killed before its last sync": {
    before: (_, dying) => dying((first) => saves(first, 1), atSyncOfManifest()),
    run: (session) => session.claim(1),
  },
  "a recovery, after a program that was killed before its last sync": {
    before: (_, dying) => dying((first) => saves(first, 1), atSyncOfManifest()),
    run: (session) => recoversAndSaves(session),
  },
  "a recovery, after a program that was killed before the sync of its update": {
    before: async (session, dying) => {
      await saves(session, 1)
      await dying((first) => first.update(1), atSyncOfManifest())
    },
    run: (session) => recoversAndSaves(session),
  },
  "the first saves": { run: (session) => saves(session, 1, 2) },
  "a late save, and one again": {
    before: (session) => saves(session, 4),
    run: async (session) => {
      await session.save(2)
      await session.save(4, { again: true })
      await another(session, (second) => second.save(4, { again: true }))
    },
  },
  "saves at once": {
    before: (session) => saves(session, 1),
    run: (session) => Promise.all([session.save(3), session.save(2), session.save(4)]),
  },
  "a state, then its save": {
    before: (session) => saves(session, 1),
    run: async (session) => {
      await session.saveWritten(2)
      await session.writeState(3)
    },
  },
  updates: {
    before: (session) => saves(session, 1, 2),
    run: async (session) => {
      await session.update(2)
      await session.update(1)
    },
  },
  pins: {
    before: (session) => saves(session, 1, 2),
    run: async (session) => {
      await session.pin(1, "a")
      await session.pin(2, "b")
      await session.unpin("a")
    },
  },
  "a removal": { before: (session) => saves(session, 1, 2, 3), run: (session) => session.remove(2) },
  "a prune": {
    before: async (session) => {
      await saves(session, 1, 2, 3, 4)
      await session.pin(1, "a")
    },
    run: async (session) => {
      await session.prune(1, [2, 3])
      await session.save(5)
    },
  },
  "a collection": {
    before: async (session) => {
      await session.writeState(2)
      await saves(session, 1, 3)
    },
    run: (session) => session.collect([2]),
  },
  "a claim": {
    before: (session) => saves(session, 1),
    run: async (session) => {
      await session.claim(1)
      await session.save(2)
      await session.update(2)
      await session.pin(2, "a")
    },
  },
  "the first claim, of an empty store": {
    run: async (session) => {
      await session.claim(1)
      await session.save(1)
    },
  },
  "a second claim": {
    before: async (session) => {
      await saves(session, 1)
      await session.claim(1)
      await session.save(2)
    },
    run: (session) =>
      another(session, async (second) => {
        await second.claim(2)
        await second.save(3)
        await second.prune(1, [1, 2])
        await second.collect()
      }),
  },
  "a copy": {
    before: (session) => plantSource(session.memory, session.layout, [1, 3]),
    run: (session) => session.copy([1, 3]),
  },
  "a copy beside others": {
    before: async (session) => {
      await plantSource(session.memory, session.layout, [1, 3])
      await saves(session, 2)
    },
    run: (session) => session.copy([1, 3]),
  },
}

export interface Outcome {
  /** Trees that a cut may leave. */
  readonly trees: number
  /** Those of them that were opened, because no tree before was judged that a reader cannot tell from them. */
  states: number
  readonly faults: string[]
  /** The syncs while the script ran, in their order, by what they are for. */
  syncs: readonly string[]
}

export interface CutOptions {
  readonly layout: LayoutName
  /** Trees of each model at each call. */
  readonly atMost: number
  readonly seed: number
  /** The number of a sync that is left out. */
  readonly without?: number
  /** What was judged before, by tree and by what was told: two runs meet the same ones. */
  readonly judged: Map<string, string | undefined>
}

interface Moment {
  readonly tree: Tree
  readonly model: Model
  readonly allowed: Allowed
  readonly burnt: readonly number[]
  /** Everything beside the tree that the verdict depends on. */
  readonly context: string
}

/** Runs a script, and opens every tree that a cut after any of its calls may leave. */
export async function cut(script: Script, options: CutOptions): Promise<Outcome> {
  const { layout, atMost, seed, without, judged } = options
  forgetProcess()
  const memory = new MemoryFiles()
  memory.plant(`${base}/`)
  const disk = new Disk(base, memory)
  const told = new Told()
  const random = seeded(seed)
  const moments = new Map<string, Moment>()
  const canonical = canonicalForm()
  const syncs: Call[] = []
  let version: string | undefined
  let runs = false
  const look = () => {
    const now = `${disk.version} ${told.version}`
    // Before the sync that is left out, everything is as without it.
    if (!runs || now === version || syncs.length <= (without ?? -1)) return
    version = now
    const allowed = told.allowed()
    const burnt = [...told.burnt]
    const facts = JSON.stringify([...allowed, burnt])
    for (const model of models) {
      for (const tree of disk.states(model, atMost, random)) {
        const context = `${model === models[0]} ${facts}`
        const key = canonical(`${context} ${JSON.stringify([...tree].sort(byName))}`)
        if (!moments.has(key)) moments.set(key, { tree, model, allowed, burnt, context })
      }
    }
  }
  const files = disk.files({
    each: look,
    skip: (call) => {
      if (!runs || call.name !== "sync") return false
      // Asked twice of each call.
      if (syncs.at(-1) !== call && !syncs.includes(call)) syncs.push(call)
      return syncs.indexOf(call) === without
    },
  })
  const session = new Session(memory, layout, files, told)
  await script.before?.(session, (work, isLast) => dying(disk, session, work, isLast))
  runs = true
  await script.run(session)
  look()
  runs = false
  await session.close()
  const outcome: Outcome = { trees: moments.size, states: 0, faults: [], syncs: purposes(syncs, files.calls) }
  for (const [key, moment] of moments) {
    const { tree, model, context } = moment
    // No reader looks at what has a temporary name; whoever clears away does, so some of these trees are judged as a whole.
    const seen = canonical(`seen ${context} ${JSON.stringify([...tree].filter(isSeen).sort(byName))}`)
    if (!judged.has(seen) || (!judged.has(key) && judged.size % 8 === 0)) {
      outcome.states++
      // The next program works in a third of the trees alone: it costs more than all the rest.
      const fault = await judge(moment, layout, outcome.states % 3 === 0)
      if (fault !== undefined || !judged.has(seen)) judged.set(seen, fault)
      judged.set(key, fault)
    }
    const fault = judged.get(key) ?? judged.get(seen)
    if (fault === undefined) continue
    outcome.faults.push(`${model}: ${fault}`)
    if (without !== undefined) break
  }
  return outcome
}

const isSeen = ([path]: readonly [string, unknown]) => !path.split("/").some(isTemporary)
const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]) => (a < b ? -1 : 1)

/** A program that is killed at a call: nothing is lost yet, since the system lives on. */
async function dying(
  disk: Disk,
  { memory, layout, told }: Session,
  work: (session: Session) => Promise<unknown>,
  isLast: (call: Call) => boolean,
): Promise<void> {
  const death = gate()
  let isDead = false
  const files = disk.files({
    hangs: (call) => {
      isDead ||= isLast(call)
      if (isDead) death.open()
      return isDead
    },
  })
  await Promise.race([death.passed, work(new Session(memory, layout, files, told))])
  forgetProcess()
}

/** Two runs differ in their random names and tokens alone: each is replaced by its number in the order in which it was met. */
function canonicalForm(): (text: string) => string {
  const known = new Map<string, string>()
  return (text) =>
    text.replaceAll(/[0-9a-f]{16,}(?:_\d+_\d+_[0-9a-f]{16})?|[0-9a-f]{8}-[0-9a-f-]{27}/g, (random) => {
      const number = known.get(random) ?? `#${known.size}`
      known.set(random, number)
      return number
    })
}

/** What each sync is for: a file by the names that it gets, a folder by the names that changed since its sync before. */
function purposes(syncs: readonly Call[], calls: readonly Call[]): string[] {
  const changesOf = (folder: string, from: number, to: number) => {
    const changes = calls.slice(from, to).flatMap(({ name, path, to: target, flags }): string[] => {
      if (name === "mkdir") return [path]
      if (name === "unlink" || name === "rmdir") return [path]
      if (name === "rename" || name === "link") return [target ?? "", ...(name === "rename" ? [path] : [])]
      return name === "open" && flags === "wx" ? [path] : []
    })
    const names = changes.filter((path) => parentOf(path) === folder && !isTemporary(path)).map(nameOf)
    return [...new Set(names)].sort()
  }
  return syncs.map((sync) => {
    const { path, index, file } = sync
    const isFolder = calls.find((call) => call.name === "open" && call.file === file)?.flags !== "wx"
    if (isFolder) {
      const before = calls.slice(0, index).findLast((call) => call.name === "sync" && call.path === path)
      const names = changesOf(path, before?.index ?? 0, index)
      // Where a name is taken away, it goes into a stage first.
      const goes = calls
        .slice(before?.index ?? 0, index)
        .some(({ name, path: from, to = "" }) => name === "rename" && parentOf(from) === path && isTemporary(to))
      return `folder ${shortened(path)}: ${names.join(" ") || "nothing new"}${goes && names.length > 0 ? " (removed)" : ""}`
    }
    const moved = calls
      .slice(index)
      .filter(({ name, path: from }) => (name === "link" || name === "rename") && from === path)
    const names = moved.flatMap(({ to }) => (to === undefined ? [] : [shortened(to)]))
    if (names[0] !== undefined) return `file ${names[0]}`
    return `file ${isTemporary(path.replace(/^.*\//, "")) ? "that is dropped" : shortened(path)}`
  })
}

const parentOf = (path: string) => path.replace(/\/[^/]*$/, "")
const nameOf = (path: string) => shortened(path).replace(/^.*\//, "")

/** A path without ids and random parts. */
function shortened(path: string): string {
  if (path === root) return "root"
  if (base.startsWith(`${path}/`) || path === "/") return "outside"
  if (root.startsWith(`${path}/`)) return "above the root"
  return path
    .replace(`${root}/`, "")
    .replace(/\.(tmp|stage|latest|writer)-[0-9a-f_]+/, ".$1")
    .replace(/(probe)-[0-9a-z-]+/, "$1")
    .replaceAll(/\d{6}/g, "N")
}

/** What never reached the disk: nothing, a part, zeros, or what was there before. */
const torn = ["", "{", "\0".repeat(40), "something else"]

/** Opens the tree as a new process does after the cut. */
async function judge(moment: Moment, layout: LayoutName, withNext: boolean): Promise<string | undefined> {
  const { tree, model, allowed, burnt } = moment
  forgetProcess()
  const memory = new MemoryFiles()
  let at = tree.size
  for (const [path, content] of tree) memory.plant(`${base}/${path}`, content ?? torn[at++ % torn.length])
  memory.pass(60_000)
  const mayPoint = model === "any subset per directory"
  return verdict(memory, layout, { allowed, burnt, mayPoint, withNext: withNext || burnt.length > 0 })
}
