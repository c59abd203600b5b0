import { onAbort } from "../async/abort.js"
import type { ObjectBackend } from "./backend.js"
import type { Storage } from "./storage.js"

/** The id of a checkpoint, or the name of a pin. */
type Subject = number | string

interface Section {
  /** No other section of these subjects runs at the same time. */
  readonly alone: ReadonlySet<Subject>
  /** Only sections that have these subjects together may run at the same time. */
  readonly together: ReadonlySet<Subject>
  readonly ended: Promise<void>
}

/**
 * Orders the removals of one storage against all that they could harm, for the stores of this process. For a layout whose
 * pointer has no room for a floor: with a floor the storage itself orders them, for all processes.
 *
 * A removal has its ids alone, from the look on which it rests to its end. The end of a save has its id together with other
 * saves of it, and so has a pin. So nothing waits for the removal of another id. Example: a collection has listed state 2 without
 * a manifest. A save takes state 2 over, creates manifest 2, and is acknowledged; then the collection deletes the state.
 */
export class Removals {
  readonly #sections = new Set<Section>()
  #ended = 0

  /** How many removals have ended. If it is the same later, nothing was removed in between. */
  get ended(): number {
    return this.#ended
  }

  /** Runs a removal of these ids, once all before it that it must not meet have ended. */
  remove<T>(ids: readonly number[], signal: AbortSignal | undefined, task: () => Promise<T>): Promise<T> {
    return this.run({ alone: ids }, signal, () =>
      task().finally(() => {
        this.#ended++
      }),
    )
  }

  /** Runs a task, once all before it that it must not meet have ended. An abort ends the wait, and not the task. */
  run<T>(
    subjects: { readonly alone?: readonly Subject[]; readonly together?: readonly Subject[] },
    signal: AbortSignal | undefined,
    task: () => Promise<T>,
  ): Promise<T> {
    const alone = new Set(subjects.alone)
    const together = new Set(subjects.together)
    const before = [...this.#sections].filter(
      (one) => meet(one.alone, alone) || meet(one.alone, together) || meet(one.together, alone),
    )
    const { answer, ended } = turn(Promise.all(before.map((one) => one.ended)), signal, task)
    const section = { alone, together, ended }
    this.#sections.add(section)
    void ended.then(() => this.#sections.delete(section))
    return answer
  }
}

function meet(some: ReadonlySet<Subject>, others: ReadonlySet<Subject>): boolean {
  const [few, many] = some.size < others.size ? [some, others] : [others, some]
  for (const subject of few) if (many.has(subject)) return true
  return false
}

/** `ended` resolves when the turn is over, in any case; `answer` rejects before the turn if the signal is aborted by then. */
function turn<T>(
  before: Promise<unknown>,
  signal: AbortSignal | undefined,
  task: () => Promise<T>,
): { answer: Promise<T>; ended: Promise<void> } {
  let stay = () => {}
  const aborted = new Promise<never>((_, reject) => {
    stay = onAbort(signal, () => reject(signal?.reason))
  })
  const answer = before.then(() => {
    stay()
    signal?.throwIfAborted()
    return task()
  })
  const ended = answer.then(
    () => {},
    () => {},
  )
  return { answer: Promise.race([answer, aborted]), ended }
}

// In the global symbol registry, so that the stores of two installed copies of this package are ordered too.
const registryKey = Symbol.for("@ckpt/core.removals.v1")
const holder = globalThis as { [registryKey]?: Map<string, Removals> }
holder[registryKey] ??= new Map()
const byIdentity = holder[registryKey]
const byBackend = new WeakMap<ObjectBackend, Removals>()

/** The removals of a storage, the same for all stores of this process that use it. */
export async function removalsOf(storage: Storage, signal: AbortSignal | undefined): Promise<Removals> {
  const { backend } = storage
  const identity = await storage.identity(signal)
  const key = `${backend.name} ${identity}`
  const known = identity === undefined ? byBackend.get(backend) : byIdentity.get(key)
  if (known !== undefined) return known
  const removals = new Removals()
  if (identity === undefined) byBackend.set(backend, removals)
  else byIdentity.set(key, removals)
  return removals
}
