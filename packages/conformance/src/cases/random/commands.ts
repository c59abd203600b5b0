import type { CommitBatch, ObjectBackend, ObjectMeta, PutOptions } from "@ckpt/core"
import fc from "fast-check"
import { cut, source } from "../support/body.js"
import { boundaries, MiB } from "../support/boundaries.js"
import {
  checkBackendError,
  fail,
  identity,
  isAbsent,
  keysOf,
  outcome,
  readAll,
  rejectsAs,
  rejectsWith,
  same,
  sameBytes,
  sameKeys,
} from "../support/check.js"
import { commitOf } from "../support/commit.js"
import { bytesFor, type Content, type Model, names, pointerName, type Real, type WhichVersion } from "./model.js"

type Command = fc.AsyncCommand<Model, Real>

/** A call, by what a reader sees and what it does. */
function command(text: string, run: (model: Model, real: Real) => Promise<void>): Command {
  return {
    check: () => true,
    async run(model, real) {
      real.script.push(text)
      await run(model, real)
    },
    toString: () => text,
  }
}

const ordinals = ["first", "second", "third"] as const
const by = fc.nat({ max: ordinals.length - 1 })
const nth = (real: Real, index: number): ObjectBackend => real.backends[index % real.backends.length] as ObjectBackend
const name = fc.constantFrom(...names)
const shown = (key: string) => JSON.stringify(key)

function contents(largest: number): fc.Arbitrary<Content> {
  const at = boundaries(largest)
  const short = at.filter((size) => size <= 70_000)
  const size = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...short) },
    { weight: 3, arbitrary: fc.nat({ max: 5000 }) },
    { weight: 1, arbitrary: fc.constantFrom(...at) },
  )
  return fc.record({ size, seed: fc.nat({ max: 9 }) })
}

const forms = {
  array: (bytes: Uint8Array) => [bytes.slice()],
  "array of many": (bytes: Uint8Array) => cut(bytes, 1 + Math.floor(bytes.length / 7)),
  stream: (bytes: Uint8Array) => source(cut(bytes)),
} as const
const form = fc.constantFrom(...(Object.keys(forms) as (keyof typeof forms)[]))

const whens = fc.constantFrom(undefined, undefined, "absent" as const, "current" as const, "another" as const)

function put(largest: number): fc.Arbitrary<Command> {
  return fc.tuple(by, name, contents(largest), form, whens).map(([backend, key, content, how, when]) => {
    const condition = when === undefined ? "" : when === "absent" ? ", when absent" : `, when it has ${told(when)}`
    const text = `${ordinals[backend]}.put(${shown(key)}, ${describe(content)} as a ${how}${condition})`
    return command(text, async (model, real) => {
      const bytes = bytesFor(content)
      const options: PutOptions =
        when === undefined ? {} : { when: when === "absent" ? when : { version: model.versionFor(key, when) } }
      const writing = nth(real, backend).put(real.prefix + key, forms[how](bytes), options)
      if (!holdsNow(model, key, options)) {
        await rejectsAs("precondition", writing, text)
        return
      }
      written(model, real, key, bytes, await writing, text)
    })
  })
}

const told = (which: WhichVersion) => (which === "current" ? "its version" : "another version")
const describe = ({ size, seed }: Content) => `${size} bytes of seed ${seed}`

function holdsNow(model: Model, key: string, { when }: PutOptions): boolean {
  const current = model.objects.get(key)
  if (when === "absent") return current === undefined
  return when === undefined || when.version === current?.version
}

/** Notes a write, whose answer must describe it. */
function written(model: Model, real: Real, key: string, bytes: Uint8Array, meta: ObjectMeta, text: string): void {
  same([meta.key, meta.size], [real.prefix + key, bytes.length], `key and size that the answer tells: ${text}`)
  for (const old of model.versions.get(key) ?? []) {
    if (old.version === meta.version && Buffer.compare(old.bytes, bytes) !== 0)
      fail(`the version of ${text}`, "one that no other content of this key has had", meta.version)
  }
  model.write(key, bytes, meta.version)
}

const failingPut: fc.Arbitrary<Command> = fc.tuple(by, name, fc.nat({ max: 3 })).map(([backend, key, at]) => {
  const text = `${ordinals[backend]}.put(${shown(key)}, a stream that fails at chunk ${at})`
  return command(text, async (_, real) => {
    const error = new Error("the source broke off")
    const body = source(cut(bytesFor({ size: 4000, seed: 1 }), 1000), (index) => {
      if (index === at) throw error
    })
    await rejectsWith(nth(real, backend).put(real.prefix + key, body), error, text)
  })
})

const get: fc.Arbitrary<Command> = fc
  .tuple(
    by,
    name,
    fc.option(fc.tuple(fc.nat({ max: 1000 }), fc.nat({ max: 1000 })), { nil: undefined }),
    fc.constantFrom(undefined, undefined, "current" as const, "another" as const),
  )
  .map(([backend, key, part, which]) => {
    const range = part === undefined ? "" : `, from ${part[0]} ‰ on, ${part[1]} ‰ of it`
    const text = `${ordinals[backend]}.get(${shown(key)}${range}${which === undefined ? "" : `, if it has ${told(which)}`})`
    return command(text, async (model, real) => {
      const current = model.objects.get(key)
      const ifVersion = which && model.versionFor(key, which)
      const size = current?.bytes.length ?? 1000
      const offset = part && Math.ceil((size * part[0]) / 1000)
      const length = part && Math.ceil((size * part[1]) / 1000)
      const asked = { ifVersion, ...(offset !== undefined && { range: { offset, length } }) }
      const getting = nth(real, backend).get(real.prefix + key, asked)
      if (current === undefined) {
        same((await getting)?.meta, undefined, text)
        return
      }
      if (ifVersion !== undefined && ifVersion !== current.version) {
        await rejectsAs("precondition", getting, text)
        return
      }
      const content = (await getting) ?? fail(text, "the object", undefined)
      const expected = { key: real.prefix + key, size, version: current.version }
      same(identity(content.meta), expected, `the meta of ${text}`)
      const from = offset ?? 0
      sameBytes(await readAll(content), current.bytes.subarray(from, from + (length ?? size)), text)
    })
  })

const head: fc.Arbitrary<Command> = fc.tuple(by, name).map(([backend, key]) => {
  const text = `${ordinals[backend]}.head(${shown(key)})`
  return command(text, async (model, real) => {
    const current = model.objects.get(key)
    const expected = current && { key: real.prefix + key, size: current.bytes.length, version: current.version }
    same(identity(await nth(real, backend).head(real.prefix + key)), expected, text)
  })
})

const list: fc.Arbitrary<Command> = fc
  .tuple(by, fc.constantFrom("", "s/", "s/1", "t", "none"))
  .map(([backend, prefix]) => {
    const text = `${ordinals[backend]}.list(${shown(prefix)})`
    return command(text, async (model, real) => {
      const expected = [...model.objects.keys()].filter((key) => key.startsWith(prefix)).map((key) => real.prefix + key)
      sameKeys(await keysOf(nth(real, backend), real.prefix + prefix), expected.sort(), text)
    })
  })

const leaveList: fc.Arbitrary<Command> = fc.tuple(by, fc.nat({ max: 2 })).map(([backend, after]) => {
  const text = `${ordinals[backend]}.list(""), left after ${after} keys`
  return command(text, async (_, real) => {
    const iterator = nth(real, backend).list(real.prefix)[Symbol.asyncIterator]()
    for (let index = 0; index < after; index++) await iterator.next()
    await iterator.return?.()
  })
})

const remove: fc.Arbitrary<Command> = fc
  .tuple(by, fc.array(name, { minLength: 1, maxLength: 4 }))
  .map(([backend, keys]) => {
    const text = `${ordinals[backend]}.delete(${JSON.stringify(keys)})`
    return command(text, async (model, real) => {
      const one = nth(real, backend)
      const batch = keys.slice(0, Math.max(1, one.capabilities.maxDeleteBatch))
      same(await one.delete(batch.map((key) => real.prefix + key)), [], `the failures of ${text}`)
      for (const key of batch) model.objects.delete(key)
    })
  })

const open: fc.Arbitrary<Command> = fc.tuple(by, name).map(([backend, key]) => {
  const text = `${ordinals[backend]}.get(${shown(key)}), of which no chunk is taken yet`
  return command(text, async (model, real) => {
    const content = await nth(real, backend).get(real.prefix + key)
    const current = model.objects.get(key)
    if (current === undefined || content === undefined) {
      same(content !== undefined, current !== undefined, `whether there is an object for ${text}`)
      return
    }
    same(content.meta.version, current.version, `the version of ${text}`)
    const iterator = content.body[Symbol.asyncIterator]()
    model.bodies.push({ name: key, content, iterator, bytes: current.bytes, taken: 0 })
    // A storage may have few slots for readers.
    if (model.bodies.length > 6) await model.bodies.shift()?.iterator.return?.()
  })
})

const next: fc.Arbitrary<Command> = fc.nat({ max: 5 }).map((which) =>
  command(`the next chunk of open body ${which}`, async (model) => {
    const body = model.bodies[which]
    if (body !== undefined && (await takeOne(body, model))) model.bodies.splice(which, 1)
  }),
)

/** True at the end of the body. */
async function takeOne(body: Model["bodies"][number], model: Model): Promise<boolean> {
  const { name: key, iterator, bytes } = body
  const text = `the next chunk of the body of ${shown(key)}, after ${body.taken} of ${bytes.length} bytes`
  const { value: step, error } = await outcome(Promise.resolve(iterator.next()))
  if (step === undefined) {
    checkBackendError(error, text)
    // Only a reader that was overtaken may fail.
    if (model.objects.get(key)?.version === body.content.meta.version)
      fail(text, "a chunk, since the object is there", error)
    return true
  }
  if (step.done === true) {
    same(body.taken, bytes.length, `the bytes of the body of ${shown(key)} at its end`)
    return true
  }
  sameBytes(step.value, bytes.subarray(body.taken, body.taken + step.value.length), text)
  body.taken += step.value.length
  // The chunk is the reader's.
  step.value.fill(0xee)
  return false
}

const leave: fc.Arbitrary<Command> = fc.nat({ max: 5 }).map((which) =>
  command(`open body ${which} is given up`, async (model) => {
    await model.bodies.splice(which, 1)[0]?.iterator.return?.()
  }),
)

/** Two writes of one key at once, under a condition that one of them must fail. */
const race: fc.Arbitrary<Command> = fc.tuple(by, name, fc.nat({ max: 9 })).map(([backend, key, seed]) => {
  const text = `two backends put(${shown(key)}) at once, on the same condition`
  return command(text, async (model, real) => {
    const current = model.objects.get(key)
    const when = current === undefined ? "absent" : { version: current.version }
    // Other bytes than the current ones: where a version is a hash, those leave the version, and both writes may win.
    const size = (current?.bytes.length ?? 3000) + 1
    const bytes = [0, 1].map((index) => bytesFor({ size: size + index, seed }))
    const racers = bytes.map((one, index) =>
      outcome(nth(real, backend + index).put(real.prefix + key, [one], { when })),
    )
    const seen = await Promise.all(racers)
    const winners = seen.flatMap(({ value }, index) => (value === undefined ? [] : [{ value, index }]))
    const [winner] = winners
    if (winner === undefined || winners.length > 1) fail(text, "one of two wins", `${winners.length} win`)
    written(model, real, key, bytes[winner.index] ?? new Uint8Array(), winner.value, text)
  })
})

const decisions = fc.constantFrom("moves", "leaves", "throws") as fc.Arbitrary<"moves" | "leaves" | "throws">

/** A commit of one or two objects in one folder, and the pointer. */
function commit(largest: number): fc.Arbitrary<Command> {
  const keys = fc.constantFrom(["s/1"], ["s/1", "s/10"], ["s/2/state"], ["t/1"])
  return fc.tuple(by, keys, contents(largest), decisions).map(([backend, create, content, decision]) => {
    const text = `${ordinals[backend]}.commit(${JSON.stringify(create)}, ${describe(content)}; decide ${decision})`
    return command(text, async (model, real) => {
      const bytes = create.map((_, index) => bytesFor({ ...content, seed: content.seed + index }))
      const next = bytesFor({ size: 40, seed: content.seed })
      const error = new Error("decide refuses")
      const before = model.objects.get(pointerName)
      let asked: string | undefined
      const batch: CommitBatch = {
        create: create.map((key, index) => ({ key: real.prefix + key, body: [bytes[index] ?? new Uint8Array()] })),
        pointer: {
          key: real.prefix + pointerName,
          decide(current) {
            asked = current?.version
            if (decision === "throws") throw error
            return decision === "moves" ? next : undefined
          },
        },
      }
      const seen = await outcome(commitOf(nth(real, backend))(batch))
      if (seen.value === "unsupported") return
      if (create.some((key) => model.objects.has(key))) {
        // The storage may ask `decide` first.
        if (seen.error === error) return
        await rejectsAs("precondition", Promise.reject(seen.error ?? new Error("it resolved")), text)
        return
      }
      if (decision === "throws") {
        if (seen.error !== error) fail(text, error, seen.error ?? seen.value)
        return
      }
      const metas = seen.value ?? fail(text, "the metas of what was created", seen.error)
      same(asked, before?.version, `the version that decide is told: ${text}`)
      for (const [index, key] of create.entries())
        written(model, real, key, bytes[index] ?? new Uint8Array(), metas[index] as ObjectMeta, text)
      if (decision === "leaves") return
      const moved = await nth(real, backend).head(real.prefix + pointerName)
      written(
        model,
        real,
        pointerName,
        next,
        moved ?? fail(`the pointer (head) after ${text}`, "an object", undefined),
        text,
      )
    })
  })
}

/** What a sequence may consist of. */
export function commandsOf(backend: ObjectBackend, largest: number): fc.Arbitrary<Command>[] {
  const always = [put(largest), put(largest), put(MiB / 16), get, get, head, list, leaveList, remove, failingPut, race]
  return [...always, open, next, next, leave, ...(backend.commit === undefined ? [] : [commit(largest)])]
}

/** Everything is as the model has it, for each backend; and all of it can be removed. */
export async function settle(model: Model, real: Real): Promise<void> {
  real.script.push("at the end: the open bodies are read or given up, and everything is read by each backend")
  for (const [index, body] of model.bodies.entries()) {
    if (index % 2 === 0) await body.iterator.return?.()
    else while (!(await takeOne(body, model)));
  }
  for (const [index, backend] of real.backends.entries()) {
    const what = `by the ${ordinals[index]} backend`
    const keys = [...model.objects.keys()].map((key) => real.prefix + key).sort()
    sameKeys(await keysOf(backend, real.prefix), keys, `all that is listed ${what}`)
    for (const [key, { bytes, version }] of model.objects) {
      const content =
        (await backend.get(real.prefix + key)) ?? fail(`get of ${shown(key)} ${what}`, "the object", undefined)
      same(content.meta.version, version, `the version of ${shown(key)} ${what}`)
      sameBytes(await readAll(content), bytes, `${shown(key)} (get) ${what}`)
    }
    for (const key of names)
      if (!model.objects.has(key)) await isAbsent(backend, real.prefix + key, `${shown(key)} ${what}`)
  }
  const [first] = real.backends as [ObjectBackend]
  for (const key of model.objects.keys())
    same(await first.delete([real.prefix + key]), [], `the failures of a delete of ${shown(key)}`)
}
