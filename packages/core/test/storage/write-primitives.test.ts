import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { BackendError } from "../../src/errors.js"
import type { ObjectBackend, PutOptions } from "../../src/storage/backend.js"
import { createOnce } from "../../src/storage/create-once.js"
import { retryPolicy } from "../../src/storage/retry.js"
import { bytesBody, type PutBody, Storage } from "../../src/storage/storage.js"
import { swap } from "../../src/storage/swap.js"
import { OwnedClock } from "../owned-clock.js"

/**
 * What becomes of one request: `ok`, `applied` and `dropped` end without an answer for the last two; `denied` certainly fails; a
 * neighbour may write before it or after it.
 */
interface Step {
  readonly fate: "ok" | "applied" | "dropped" | "denied"
  readonly neighbour?: "before" | "after" | undefined
}

const ours = new Uint8Array([1])
const theirs = new Uint8Array([2])

/** One key of a storage with conditional writes, whose requests meet the fates of the script; those after it are answered. */
class ScriptedKey {
  bytes: Uint8Array | undefined
  version = 0
  puts = 0
  /** Ours was at the key at any time. */
  wasOurs = false
  readonly #script: readonly Step[]

  constructor(script: readonly Step[], bytes?: Uint8Array) {
    this.#script = script
    this.bytes = bytes
  }

  #write(bytes: Uint8Array): void {
    this.bytes = bytes
    this.version++
    if (bytes === ours) this.wasOurs = true
  }

  async put(_: string, body: unknown, { when }: PutOptions) {
    const { fate, neighbour } = this.#script[this.puts++] ?? { fate: "ok", neighbour: undefined }
    if (neighbour === "before") this.#write(theirs)
    try {
      if (fate === "denied") throw new BackendError("denied", "no")
      if (fate === "dropped") throw new BackendError("ambiguous", "no answer")
      const holds = when === "absent" ? this.bytes === undefined : String(this.version) === when?.version
      if (holds) this.#write((body as readonly Uint8Array[])[0] as Uint8Array)
      if (fate === "applied") throw new BackendError("ambiguous", "no answer")
      if (!holds) throw new BackendError("precondition", "another version")
      return { key: "k", size: 1, version: String(this.version), lastModified: new Date(0) }
    } finally {
      if (neighbour === "after") this.#write(theirs)
    }
  }

  get storage(): Storage {
    const backend = { name: "scripted", put: this.put.bind(this) } as unknown as ObjectBackend
    const clock = new OwnedClock()
    return new Storage(backend, { policy: retryPolicy({}, 1_000), clock, random: () => 0, emit: () => {} })
  }
}

const step = fc.record({
  fate: fc.constantFrom<Step["fate"]>("ok", "applied", "dropped", "denied"),
  neighbour: fc.constantFrom<Step["neighbour"]>(undefined, undefined, undefined, "before", "after"),
})
const scripts = fc.array(step, { maxLength: 6 })

describe("createOnce", () => {
  test("says created only where ours was created, taken without a lost answer only where it never was, and ends", async () => {
    await fc.assert(
      fc.asyncProperty(scripts, fc.boolean(), async (script, isTaken) => {
        const key = new ScriptedKey(script, isTaken ? theirs : undefined)
        const created = await createOnce(key.storage, "k", bytesBody(ours)).catch((error: BackendError) => error)
        expect(key.puts).toBeLessThanOrEqual(4)
        if (created instanceof BackendError) {
          expect([created.kind, key.wasOurs]).toEqual(["denied", false])
        } else if (created.outcome === "created") expect(key.wasOurs).toBe(true)
        else if (created.lost === undefined) expect([created.outcome, key.wasOurs]).toEqual(["taken", false])
        else expect(created.cause.kind).toMatch(/ambiguous|denied/)
      }),
      { numRuns: 2_000 },
    )
  })

  test("a body that can be read once is not asked for twice: the first lost answer leaves it unknown", async () => {
    const key = new ScriptedKey([{ fate: "applied" }])
    const once: PutBody = { open: () => [ours], reopenable: () => false, size: 1 }
    expect(await createOnce(key.storage, "k", once)).toMatchObject({ outcome: "unknown" })
    expect(key.puts).toBe(1)
  })

  test("an answer that no reading could settle ends it at once", async () => {
    const key = new ScriptedKey([])
    key.put = async () => {
      key.puts++
      throw new BackendError("ambiguous", "the directory's sync failed", { unsettleable: true })
    }
    expect(await createOnce(key.storage, "k", bytesBody(ours))).toMatchObject({ outcome: "unknown" })
    expect(key.puts).toBe(1)
  })
})

describe("swap", () => {
  test("done means that ours is there or was replaced since; moved without a lost answer, that it never was; it ends", async () => {
    await fc.assert(
      fc.asyncProperty(scripts, fc.boolean(), async (script, isThere) => {
        const key = new ScriptedKey(script, isThere ? theirs : undefined)
        const version = isThere ? String(key.version) : undefined
        const swapped = await swap(key.storage, "k", version, ours).catch((error: BackendError) => error)
        expect(key.puts).toBeLessThanOrEqual(4)
        if (swapped instanceof BackendError) expect([swapped.kind, key.wasOurs]).toEqual(["denied", false])
        else if (swapped.outcome === "done") expect(key.wasOurs).toBe(true)
        else if (swapped.lost === undefined) expect([swapped.outcome, key.wasOurs]).toEqual(["moved", false])
      }),
      { numRuns: 2_000 },
    )
  })

  test("a lost swap that took effect is moved with the lost answer, never done twice", async () => {
    const key = new ScriptedKey([{ fate: "applied" }], theirs)
    expect(await swap(key.storage, "k", "0", ours)).toMatchObject({ outcome: "moved", lost: { kind: "ambiguous" } })
    expect([key.puts, key.version]).toEqual([2, 1])
  })
})
