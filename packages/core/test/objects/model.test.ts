import fc from "fast-check"
import { expect, test } from "vitest"
import { BackendError, type CheckpointError, type Objects, openObjects } from "../../src/index.js"
import { Objects as Memory } from "../mistakes/support.js"
import { OwnedClock } from "../owned-clock.js"

/** What becomes of a request: `lost` takes effect and is not answered, `dropped` never arrives, `busy` certainly did nothing. */
type Fate = "ok" | "lost" | "dropped" | "busy"

/** A storage whose requests meet fates, one after the other; those behind the script are answered. */
class Faulty extends Memory {
  fates: Fate[] = []

  async #met<T>(isWrite: boolean, request: () => Promise<T>): Promise<T> {
    const fate = this.fates.shift() ?? "ok"
    if (fate === "busy") throw new BackendError("transient", "slow down")
    if (fate === "dropped") throw new BackendError(isWrite ? "ambiguous" : "transient", "no answer")
    const answer = await request()
    if (fate === "lost") throw new BackendError(isWrite ? "ambiguous" : "transient", "no answer")
    return answer
  }

  override put(...given: Parameters<Memory["put"]>) {
    return this.#met(true, () => super.put(...given))
  }
  override get(...given: Parameters<Memory["get"]>) {
    return this.#met(false, () => super.get(...given))
  }
  override head(key: string) {
    return this.#met(false, () => super.head(key))
  }
  override delete(keys: readonly string[]) {
    return this.#met(true, () => super.delete(keys))
  }
}

const keys = ["a", "b", "t/1", "t/2", "t-1"]
const contents = ["", "one", "two"]
const key = fc.constantFrom(...keys)
const content = fc.constantFrom(...contents)
const call = fc.oneof(
  fc.record({ call: fc.constant("create" as const), key, content }),
  fc.record({ call: fc.constant("replace" as const), key, content, isCurrent: fc.boolean() }),
  fc.record({ call: fc.constant("read" as const), key }),
  fc.record({ call: fc.constant("head" as const), key }),
  fc.record({ call: fc.constant("remove" as const), keys: fc.array(key, { maxLength: 3 }) }),
  fc.record({
    call: fc.constant("list" as const),
    prefix: fc.constantFrom(undefined, "t", "t/"),
    after: fc.constantFrom(undefined, "a", "t", "t/1", "z"),
    limit: fc.constantFrom(undefined, 1, 2, 10),
  }),
)
const fates = fc.array(fc.constantFrom<Fate>("ok", "ok", "ok", "lost", "dropped", "busy"), { maxLength: 8 })
type Step = typeof call extends fc.Arbitrary<infer T> ? T : never

const bytes = (text: string) => new TextEncoder().encode(text)
const textOf = (given: Uint8Array | undefined) => given && new TextDecoder().decode(given)
const codeOf = (error: unknown) => (error as CheckpointError).code

interface Known {
  readonly content: string
  readonly version: string
}

/** What a key may hold: the content that is known, or after an unknown outcome any of several. */
class Model {
  readonly known = new Map<string, Known>()
  readonly #backend: Faulty

  constructor(backend: Faulty) {
    this.#backend = backend
  }

  /** After an unknown outcome: what is there now. */
  async look(objects: Objects, at: string, possible: readonly (string | undefined)[]): Promise<void> {
    this.#backend.fates = []
    const found = await objects.read(at)
    expect(possible).toContain(textOf(found?.bytes))
    if (found === undefined) this.known.delete(at)
    else this.known.set(at, { content: textOf(found.bytes) as string, version: found.version })
  }
}

async function run(objects: Objects, model: Model, step: Step): Promise<void> {
  if (step.call === "create") {
    const there = model.known.get(step.key)
    try {
      const { outcome, version, size } = await objects.create(step.key, bytes(step.content))
      expect(outcome).toBe(there === undefined ? "created" : "existed")
      if (there !== undefined) expect([there.content, there.version]).toEqual([step.content, version])
      expect(size).toBe(step.content.length)
      model.known.set(step.key, { content: step.content, version })
    } catch (error) {
      if (codeOf(error) === "CKPT_CONFLICT") expect(there && there.content !== step.content).toBe(true)
      else {
        expect(codeOf(error)).toMatch(/CKPT_UNKNOWN_OUTCOME|CKPT_IO/)
        await model.look(objects, step.key, [there?.content, ...(there === undefined ? [step.content] : [])])
      }
    }
  } else if (step.call === "replace") {
    const there = model.known.get(step.key)
    const version = step.isCurrent && there !== undefined ? there.version : "another"
    try {
      const info = await objects.replace(step.key, bytes(step.content), { version })
      expect(there?.version).toBe(version)
      expect(info.version).not.toBe(version)
      model.known.set(step.key, { content: step.content, version: info.version })
    } catch (error) {
      const isHeld = there?.version === version
      if (codeOf(error) === "CKPT_CONFLICT") expect([there !== undefined, isHeld]).toEqual([true, false])
      else if (codeOf(error) === "CKPT_NOT_FOUND") expect(there).toBeUndefined()
      else {
        expect(codeOf(error)).toMatch(/CKPT_UNKNOWN_OUTCOME|CKPT_IO/)
        await model.look(objects, step.key, [there?.content, ...(isHeld ? [step.content] : [])])
      }
    }
  } else if (step.call === "remove") {
    try {
      await objects.remove(step.keys)
      for (const one of step.keys) model.known.delete(one)
    } catch (error) {
      expect(codeOf(error)).toBe("CKPT_IO")
      for (const one of step.keys) await model.look(objects, one, [undefined, model.known.get(one)?.content])
    }
  } else if (step.call === "list") {
    const { call: _, ...range } = step
    const expected = keys
      .filter((one) => model.known.has(one) && one.startsWith(range.prefix ?? "") && one > (range.after ?? ""))
      .sort()
      .slice(0, range.limit)
    const listed = await objects.list(range)
    expect(listed.map((info) => info.key)).toEqual(expected)
    for (const info of listed) {
      const { content: text, version } = model.known.get(info.key) as Known
      expect([info.size, info.version]).toEqual([text.length, version])
    }
  } else {
    const found = await objects[step.call](step.key)
    const there = model.known.get(step.key)
    expect(found?.version).toBe(there?.version)
    if (step.call === "read") expect(textOf((found as { bytes?: Uint8Array } | undefined)?.bytes)).toBe(there?.content)
  }
}

const seed = Number(process.env["CKPT_SEED"] ?? Date.now() % 2 ** 31)

test(`any sequence of calls, on a storage that loses answers, ends as a map would (CKPT_SEED=${seed})`, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(call, fates), { maxLength: 25 }), async (steps) => {
      const backend = new Faulty()
      const objects = openObjects(backend, { prefix: "p", clock: new OwnedClock(), random: () => 0 })
      const model = new Model(backend)
      // The check before the first write is a matter of its own.
      await objects.create("first", bytes("x"))
      await objects.remove("first")
      for (const [step, met] of steps) {
        // A read that fails in every attempt says nothing: up to three failures.
        const isWrite = step.call === "create" || step.call === "replace" || step.call === "remove"
        backend.fates = isWrite ? [...met] : met.slice(0, 3)
        await run(objects, model, step)
        backend.fates = []
      }
      expect([...backend.stored.keys()].sort()).toEqual([...model.known.keys()].map((one) => `p/${one}`).sort())
    }),
    { seed, numRuns: 400 },
  )
})
