import type { CheckpointError, CheckpointStore, LayoutName } from "../../src/index.js"
import type { MemoryFiles } from "./memory-files.js"
import { type Allowed, manifestOf, openStore, root, stateKey } from "./store-session.js"
import { bytes, isTemporary } from "./support.js"

/** What is found in a store: the facts of {@link Told}, and what `recover` says. */
interface Found {
  readonly facts: ReadonlyMap<string, string>
  readonly outcome: string
  readonly recovered: number | undefined
  /** The ids that recovery passed over. */
  readonly skipped: readonly number[]
  /** Checkpoints that do not verify. */
  readonly damaged: readonly number[]
  readonly ids: readonly number[]
}

async function factsOf(memory: MemoryFiles, layout: LayoutName, store: CheckpointStore): Promise<Found> {
  const facts = new Map<string, string>()
  // Shallow: each state is read below, and verified by that.
  const { outcome, checkpoint, skipped } = await store.recover({ depth: "shallow" })
  const damaged: number[] = []
  const ids: number[] = []
  for await (const { id, valid, sinks } of store.list()) {
    ids.push(id)
    const text = valid ? await textOf(await store.readState(id)).catch(() => undefined) : undefined
    if (text === undefined) {
      damaged.push(id)
      continue
    }
    facts.set(`checkpoint ${id}`, text)
    facts.set(`sink ${id}`, sinks?.["out"] ?? "none")
  }
  for (const { id, name } of await store.pins()) facts.set(`pin ${name}`, `${id}`)
  const { epoch } = await store.leadership()
  if (epoch > 0) facts.set("epoch", `${epoch}`)
  const states = new Map(Array.from({ length: 24 }, (_, id) => [`${root}/${stateKey(layout, id)}`, id]))
  for (const [path, content] of memory.contents()) {
    const id = states.get(path)
    if (id !== undefined && content !== undefined) facts.set(`written ${id}`, content.toString())
  }
  return { facts, outcome, recovered: checkpoint?.id, skipped: skipped.map(({ id }) => id ?? 0), damaged, ids }
}

/**
 * What contradicts what a program was told, if anything.
 *
 * @param mayPoint the pointer may be on the disk before the checkpoint that it names: then recovery tells that it passed over a
 *   checkpoint, and none was promised
 */
function contradiction(allowed: Allowed, found: Found, mayPoint = false): string | undefined {
  const { facts, outcome, recovered, skipped, damaged, ids } = found
  for (const [fact, values] of allowed) {
    const value = facts.get(fact)
    if (!values.includes(value)) return `${fact} is ${value}, not ${values.map(String).join(" or ")}`
  }
  for (const fact of facts.keys())
    if (!allowed.has(fact) && !fact.startsWith("written ")) return `${fact} came from nowhere`
  if (damaged.length > 0) return `checkpoints ${damaged} do not verify`
  const unpromised = (id: number) => mayPoint && allowed.get(`checkpoint ${id}`)?.includes(undefined) === true
  if (!skipped.every(unpromised)) return `recovery passed ${skipped} over`
  const latest = ids.at(-1)
  if (recovered !== latest) return `${outcome} ${recovered}, and the latest is ${latest}`
  const isPromised = [...allowed].some(
    ([fact, values]) => fact.startsWith("checkpoint ") && !values.includes(undefined),
  )
  if (isPromised && outcome !== "recovered") return outcome
  return undefined
}

async function textOf(state: AsyncIterable<Uint8Array> | undefined): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of state ?? []) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

export interface Expected {
  readonly allowed: Allowed
  /** Ids that were given up: a save of one is refused. */
  readonly burnt: readonly number[]
  /** See {@link contradiction}. */
  readonly mayPoint?: boolean
  /** Whether a next program works with the store too. */
  readonly withNext: boolean
}

/** Opens a store as a new process does, and says what is wrong with it, if anything. */
export async function verdict(
  memory: MemoryFiles,
  layout: LayoutName,
  expected: Expected,
): Promise<string | undefined> {
  const { allowed, burnt, mayPoint = false, withNext } = expected
  const told: string[] = []
  const store = await openStore(memory, layout, { onEvent: ({ type }) => told.push(type) })
  try {
    const wrong = contradiction(allowed, await factsOf(memory, layout, store), mayPoint)
    if (wrong !== undefined) return wrong
    const alarms = told.filter((type) => type !== "recovered" && (type !== "skipped" || !mayPoint))
    if (alarms.length > 0) return `the events ${alarms}`
    return withNext ? await next(memory, store, allowed, burnt) : undefined
  } catch (error) {
    return `a new program: ${error}`
  } finally {
    await store.close()
  }
}

/** What was never acknowledged does no harm: the next program claims if there is a claim, saves, and clears away. */
async function next(
  memory: MemoryFiles,
  store: CheckpointStore,
  allowed: Allowed,
  burnt: readonly number[],
): Promise<string | undefined> {
  for (const id of burnt) {
    const again = await store.save(manifestOf(id), { state: bytes("another") }).then(
      () => "saved",
      (error: CheckpointError) => error.code,
    )
    if (again !== "CKPT_CONFLICT" && again !== "CKPT_FENCED") return `${id}, which was given up, is ${again}`
  }
  const writer = allowed.has("epoch") ? await store.claim() : store
  const { nextId } = await writer.recover()
  await writer.save(manifestOf(nextId), { state: bytes("next") })
  const { failures } = await writer.collectOrphans({ olderThanMs: 0 })
  const again = await writer.recover()
  if (writer !== store) await writer.close()
  if (failures.length > 0) return `not collected: ${failures.map(({ key }) => key)}`
  if (again.checkpoint?.id !== nextId) return `saved ${nextId} next, and recovered ${again.checkpoint?.id}`
  const rest = [...memory.contents()].map(([path]) => path)
  const isEmpty = (path: string) =>
    /\/checkpoint_\d+\/$/.test(path) && !rest.some((one) => one !== path && one.startsWith(path))
  const left = rest.filter((path) => (isTemporary(path) && !path.includes("/.writer-")) || isEmpty(path))
  return left.length === 0 ? undefined : `left for ever: ${left}`
}
