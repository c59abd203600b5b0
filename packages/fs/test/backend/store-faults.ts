import { setImmediate as nextTurn } from "node:timers/promises"
import { BackendError, CheckpointError, type LayoutName } from "../../src/index.js"
import { MemoryFiles } from "./memory-files.js"
import { base, Incomplete, plantSource, Session, type Told } from "./store-session.js"
import { verdict } from "./store-verdict.js"
import { forgetProcess } from "./support.js"
import { type Call, errno, watchFiles } from "./watched-files.js"

/** One file call of one operation of a store fails, or takes less than it was given. */

export const codes = ["ENOSPC", "EDQUOT", "EIO", "EMFILE", "EACCES", "EROFS", "ESTALE"] as const
export type Fault = (typeof codes)[number] | "short write"

interface Operation {
  /** True: on an empty folder. Else checkpoints 1, 2, 4 and 6 are there, 1 with a pin, and a state 3 without a manifest. */
  readonly first?: boolean
  /** True: by a leader. */
  readonly claimed?: boolean
  run(session: Session): Promise<unknown>
}

export const operations: Record<string, Operation> = {
  "the first save": { first: true, run: (session) => session.save(1) },
  "the first claim": { first: true, run: (session) => session.claim(1) },
  "a save": { run: (session) => session.save(7) },
  "a late save": { run: (session) => session.save(5) },
  "a save again": { run: (session) => session.save(6, { again: true }) },
  "a state": { run: (session) => session.writeState(8) },
  "an update": { run: (session) => session.update(6) },
  "a pin": { run: (session) => session.pin(4, "b") },
  "an unpin": { run: (session) => session.unpin("a") },
  "a removal": { run: (session) => session.remove(2) },
  "a prune": { run: (session) => session.prune(1, [2, 4]) },
  "a collection": { run: (session) => session.collect([3]) },
  "a claim": { run: (session) => session.claim(1) },
  "a copy": { run: (session) => session.copy([8, 9]) },
  "a leader's save": { claimed: true, run: (session) => session.save(7) },
  "a leader's prune": { claimed: true, run: (session) => session.prune(1, [2, 4]) },
  "a second claim": { claimed: true, run: (session) => session.claim(3) },
}

export interface Prepared {
  readonly memory: MemoryFiles
  /** Writes down again what was told before. */
  told(): Told
}

export async function prepared(layout: LayoutName, { first, claimed }: Operation): Promise<Prepared> {
  forgetProcess()
  const memory = new MemoryFiles()
  memory.plant(`${base}/`)
  const done: ((session: Session) => Promise<unknown>)[] = []
  if (first !== true) {
    await plantSource(memory, layout, [8, 9])
    done.push((session) => session.writeState(3))
    for (const id of [1, 2, 4, 6]) done.push((session) => session.save(id))
    done.push((session) => session.pin(1, "a"))
  }
  if (claimed === true) done.push((session) => session.claim(1))
  const session = new Session(memory, layout)
  for (const one of done) await one(session)
  await session.close()
  return { memory, told: () => session.told.copy() }
}

export interface Trial {
  /** The call that failed; `undefined`: the operation makes fewer calls. */
  readonly hit: Call | undefined
  readonly error: unknown
  readonly wrong: string | undefined
}

/**
 * Runs an operation whose call number `at` fails, and says what is wrong afterwards.
 *
 * @param judged verdicts by what was left and told: most faults leave the same
 * @param goesOn the same process saves next, too
 */
export async function trial(
  layout: LayoutName,
  operation: Operation,
  { memory: before, told: toldBefore }: Prepared,
  { at, fault, judged, goesOn }: { at: number; fault: Fault; judged: Map<string, string | undefined>; goesOn: boolean },
): Promise<Trial> {
  forgetProcess()
  const memory = before.copy()
  const told = toldBefore()
  let hit: Call | undefined
  let count = -1
  let isArmed = operation.claimed !== true
  const isIt = (call: Call) => {
    if (!isArmed || hit !== undefined) return false
    if (fault === "short write" && !call.name.startsWith("write")) return false
    if (++count !== at) return false
    hit = call
    return true
  }
  const files = watchFiles(
    fault === "short write"
      ? { takes: (call) => (isIt(call) ? Math.floor(Buffer.concat(call.buffers ?? []).length / 2) : undefined) }
      : {
          before: (call) => {
            // Whether a folder could not be opened or not be synced makes a difference.
            if (isIt(call)) throw Object.assign(errno(fault), { syscall: call.name })
          },
        },
    memory,
  )
  const session = new Session(memory, layout, files, told)
  const wrong: string[] = []
  // A leader of its own: the one before has gone.
  if (operation.claimed === true) await session.claim(Number(told.allowed().get("epoch")?.[0] ?? 0) + 1)
  isArmed = true
  const error = await operation.run(session).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  isArmed = false
  if (error !== undefined) {
    const isTyped = error instanceof CheckpointError || error instanceof BackendError || error instanceof Incomplete
    if (!isTyped) wrong.push(`an error without a code: ${error}`)
    if (fault === "short write") wrong.push(`failed: ${error}`)
  }
  // Answers of a real disk come by turns of the event loop, and looks of one turn are shared.
  await nextTurn()
  const [left, toldUntilThen] = [memory.copy(), told.copy()]
  if (goesOn) await nextSave(session, hit).catch((reason: unknown) => wrong.push(`the next save: ${reason}`))
  await session.close().catch((reason: unknown) => wrong.push(`close: ${reason}`))
  if (files.held() > 0) wrong.push(`${files.held()} files are still open`)
  if (goesOn) wrong.push(...(await judge(memory, layout, told, judged)))
  // Another process, with what the fault left.
  wrong.push(...(await judge(left, layout, toldUntilThen, judged)))
  return { hit, error, wrong: wrong[0] }
}

/** In the same process, with the same store, the next save works; two rules say when it is refused. */
async function nextSave(session: Session, hit: Call | undefined): Promise<void> {
  try {
    await session.save(20).catch(async (error: CheckpointError) => {
      // A claim that failed may have fenced the plain writers: then the next step is another claim.
      if (error.code !== "CKPT_FENCED") throw error
      await session.claim()
      await session.save(20)
    })
  } catch (error) {
    // The system reports a sync that failed once; this process never again says that the folder is durable. A link that failed with
    // EIO or ESTALE may have been made: its name is in doubt, too.
    const isInDoubt = hit?.name === "sync" || hit?.name === "link"
    if (!isInDoubt || !/an earlier sync/.test((error as Error).message)) throw error
  }
}

async function judge(
  memory: MemoryFiles,
  layout: LayoutName,
  told: Told,
  judged: Map<string, string | undefined>,
): Promise<string[]> {
  const allowed = told.allowed()
  const tree = [...memory.contents()].map(([path, content]) => [path, content?.toString()])
  // Random names become numbers, each its own: two trees are the same if the same names are equal in both.
  const names = new Map<string, number>()
  const key = JSON.stringify([...allowed, ...tree.sort(([a = ""], [b = ""]) => (a < b ? -1 : 1))]).replaceAll(
    /\b[0-9a-f]{16}(?:_\d+_\d+_[0-9a-f]{16})?\b|\b[0-9a-f]{8}-[0-9a-f-]{27}\b/g,
    (name) => {
      const number = names.get(name) ?? names.size
      names.set(name, number)
      return `#${number}`
    },
  )
  if (!judged.has(key)) {
    forgetProcess()
    const burnt = [...told.burnt]
    // A claim that a full disk left without its holder's name falls silent first.
    memory.pass(2 * 60 * 60 * 1000)
    judged.set(key, await verdict(memory, layout, { allowed, burnt, withNext: true }))
  }
  const wrong = judged.get(key)
  return wrong === undefined ? [] : [wrong]
}
