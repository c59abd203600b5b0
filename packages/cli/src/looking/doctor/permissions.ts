import { randomBytes } from "node:crypto"
import { BackendError, CheckpointError, type ObjectBackend } from "@ckpt/core"
import { messageOf } from "../../output/text.js"
import { type Asking, ask } from "../../stores/ask.js"
import { type Finding, ok, problem, skipped } from "./finding.js"
import { firstKey, type Place } from "./place.js"

/** The question that stands for all of them where nothing is tried. */
export const permissionsCheck = "permissions of a writer"

const actions = [
  "read",
  "create",
  "create only if absent",
  "replace",
  "replace only this version",
  "list after write",
  "delete",
] as const

/** Tries each action that a store needs, with one small object of the kind that each store makes before its first write. */
export async function* permissions({ backend, prefix, ...asking }: Place): AsyncGenerator<Finding, void, void> {
  const key = `${prefix}checkpoints/.ckpt-probe-${randomBytes(8).toString("hex")}`
  const probe = new Probe(backend, key, asking)
  let isThere = false
  try {
    const created = await probe.create()
    if (created.isFenced === true) {
      yield skipped(permissionsCheck, "the store is claimed, so that only its leader may write")
      return
    }
    yield created.finding
    if (created.version === undefined) {
      const why = "nothing could be created"
      for (const action of actions) if (action !== "create") yield skipped(action, why)
      return
    }
    isThere = true
    yield await probe.createAgain()
    yield await probe.createAgainInParts()
    yield await probe.read()
    yield* probe.replace(created.version)
    yield await probe.listed()
  } finally {
    // An answer to the creation may have been lost. Then nobody is told whether deleting is allowed.
    const removed = await probe.remove()
    if (isThere) yield removed
  }
}

/** The questions about one object. */
class Probe {
  readonly #backend: ObjectBackend
  readonly #key: string
  readonly #asking: Asking & Pick<Place, "signal">

  constructor(backend: ObjectBackend, key: string, asking: Asking & Pick<Place, "signal">) {
    this.#backend = backend
    this.#key = key
    this.#asking = asking
  }

  async create(): Promise<{ finding: Finding; version?: string; isFenced?: boolean }> {
    try {
      const { version } = await this.#ask("create", (signal) => this.#put({ when: "absent", signal }))
      return { finding: ok("create", "allowed"), version }
    } catch (error) {
      // The answer to an earlier attempt was lost: nobody else knows this key.
      const found = kindOf(error) === "precondition" ? await this.#head() : undefined
      return found === undefined
        ? { finding: refusal("create", error), isFenced: kindOf(error) === "fenced" }
        : { finding: ok("create", "allowed"), version: found.version }
    }
  }

  #head() {
    return this.#ask("looking at a key", (signal) => this.#backend.head(this.#key, { signal }))
  }

  /** An object that is there must not be created again. */
  async createAgain(): Promise<Finding> {
    const check = "create only if absent"
    const advice =
      "Use a storage, or a version of it, with conditional writes: writers would undo each other's checkpoints."
    return this.#mustRefuse(check, advice, (signal) => this.#put({ when: "absent", signal }))
  }

  async createAgainInParts(): Promise<Finding> {
    const check = "create only if absent, in parts"
    const { parts } = this.#backend
    if (parts === undefined) return skipped(check, "this storage takes an object of any length in one request")
    const advice = "Use a storage, or a version of it, that honours the condition for uploads in parts too."
    return this.#mustRefuse(check, advice, async (signal) => {
      const upload = await parts.begin(this.#key, { when: "absent", signal })
      try {
        const bytes = content()
        const part = await parts.part(upload, { index: 0, offset: 0, bytes, last: true }, { signal })
        await parts.complete(upload, [part], { size: bytes.length, signal })
      } catch (error) {
        await parts.abandon(upload, { signal: cleaning(this.#asking.signal) }).catch(() => {})
        throw error
      }
    })
  }

  async read(): Promise<Finding> {
    try {
      const found = await this.#ask("read", async (signal) => {
        const answer = await this.#backend.get(this.#key, { signal })
        if (answer !== undefined) for await (const _ of answer.body);
        return answer
      })
      if (found !== undefined) return ok("read", "allowed")
      return problem("read", "what was just written is not there", "Use a storage with consistent reads.")
    } catch (error) {
      return refusal("read", error)
    }
  }

  async *replace(version: string): AsyncGenerator<Finding, void, void> {
    const check = "replace only this version"
    try {
      await this.#ask("replace", (signal) => this.#put({ when: { version }, signal }))
      yield ok("replace", "allowed")
    } catch (error) {
      yield refusal("replace", error)
      yield skipped(check, "nothing could be replaced")
      return
    }
    const advice = "Use a storage, or a version of it, with conditional replacement: two writers could lead at once."
    yield await this.#mustRefuse(check, advice, (signal) => this.#put({ when: { version }, signal }))
  }

  async listed(): Promise<Finding> {
    const first = await this.#ask("list", (signal) => firstKey(this.#backend, this.#key, signal))
    if (first === this.#key) return ok("list after write", "a new object is listed at once")
    return problem(
      "list after write",
      "a new object is not listed",
      "Use a storage with consistent listings: recovery would miss checkpoints.",
    )
  }

  async remove(): Promise<Finding> {
    try {
      const asking = { ...this.#asking, signal: cleaning(this.#asking.signal) }
      const remove = (signal: AbortSignal) => this.#backend.delete([this.#key], { signal })
      const [failure] = await ask(this.#backend, "delete", remove, asking)
      return failure === undefined ? ok("delete", "allowed") : refusal("delete", failure.error)
    } catch (error) {
      return refusal("delete", error)
    }
  }

  #ask<T>(what: string, question: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return ask(this.#backend, what, question, this.#asking)
  }

  #put(options: Parameters<ObjectBackend["put"]>[2]) {
    const bytes = content()
    return this.#backend.put(this.#key, [bytes], { ...options, size: bytes.length })
  }

  async #mustRefuse(check: string, advice: string, write: (signal: AbortSignal) => Promise<unknown>): Promise<Finding> {
    try {
      await this.#ask(check, write)
    } catch (error) {
      if (kindOf(error) === "precondition") return ok(check, "honoured")
      return refusal(check, error)
    }
    return problem(check, "the condition was ignored", advice)
  }
}

/** How long the doctor, after Ctrl-C, tries to take away what it made. */
const cleaningMs = 2000

/** Ctrl-C ends the questions. What was made for them is taken away all the same. */
function cleaning(signal: AbortSignal): AbortSignal {
  return signal.aborted ? AbortSignal.timeout(cleaningMs) : signal
}

/** New bytes each time: where a version is a hash of the content, equal bytes would have equal versions. */
function content(): Uint8Array {
  return new TextEncoder().encode(`a question of ckpt doctor; safe to delete\n${randomBytes(16).toString("hex")}\n`)
}

function kindOf(error: unknown) {
  const cause = error instanceof CheckpointError ? error.cause : error
  return cause instanceof BackendError ? cause.kind : undefined
}

/** What to do about an action that was refused. */
function refusal(check: string, error: unknown): Finding {
  const kind = kindOf(error)
  const message = messageOf(error)
  if (kind === undefined) throw error
  if (kind === "fenced") return skipped(check, "the store was claimed meanwhile, so that only its leader may write")
  if (isReadOnlyDisk(error))
    return problem(check, message, "Mount it for writing where the job runs; who only reads needs no more than this.")
  if (kind === "denied")
    return problem(check, message, `Give these credentials the right to ${check}; a reader alone does not need it.`)
  if (kind === "unsupported") return problem(check, message, "Use a storage, or a version of it, that has this.")
  if (kind === "full") return problem(check, message, "Make room: ckpt prune and ckpt gc need none.")
  return problem(check, message, "Mend the cause; a save would fail likewise.")
}

/** Whether the disk itself takes no writes, whoever asks. */
function isReadOnlyDisk(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if ((cause as NodeJS.ErrnoException).code === "EROFS") return true
  return false
}
