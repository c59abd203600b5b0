// What the official suite does not ask, since it has one writer, and no damage: over every storage.
import { INTERRUPT, RESUME, uuid6 } from "@langchain/langgraph-checkpoint"
import { describe, expect, test } from "vitest"
import { CkptSaver, type CkptSaverEvent } from "../src/index.js"
import { allStorages, type EmptyPlace } from "./storages.js"
import { checkpointOf, idOfConfig, idsOf, keysOf, large, loop, putOn, text, threadOf, withId } from "./threads.js"

/** A place, and savers on it as of several processes. */
class Savers implements AsyncDisposable {
  readonly events: CkptSaverEvent[] = []
  readonly backend
  readonly #place: EmptyPlace
  readonly #opened: CkptSaver[] = []

  constructor(place: EmptyPlace) {
    this.#place = place
    this.backend = place.open()
  }

  open(): CkptSaver {
    const saver = new CkptSaver({
      backend: this.#place.open(),
      prefix: "agents",
      onEvent: (event) => this.events.push(event),
    })
    this.#opened.push(saver)
    return saver
  }

  /** Overwrites the objects whose keys fit with other bytes. */
  async damage(fits: RegExp): Promise<void> {
    const keys = (await keysOf(this.backend)).filter((key) => fits.test(key))
    expect(keys.length).toBeGreaterThan(0)
    for (const key of keys) await this.backend.put(key, [Buffer.from("damaged")])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const saver of this.#opened) await saver.close()
    await this.#place[Symbol.asyncDispose]()
  }
}

const corrupt = { code: "CKPT_CORRUPT" }

describe.each(allStorages)("$name", ({ isThere, create }) => {
  const on = (name: string, body: (savers: Savers) => Promise<void>) =>
    test.skipIf(!isThere)(name, async () => {
      await using savers = new Savers(await create())
      await body(savers)
    })

  on("writes of different tasks at the same time are all kept", async (savers) => {
    const [a, b] = [savers.open(), savers.open()]
    const config = await putOn(a, threadOf("t"), checkpointOf({}))
    const tasks = Array.from({ length: 8 }, (_, at) => `task-${at}`)
    await Promise.all(tasks.map((task, at) => (at % 2 ? a : b).putWrites(config, [["out", task]], task)))
    const found = await savers.open().getTuple(config)
    expect(found?.pendingWrites).toEqual(tasks.map((task) => [task, "out", task]))
  })

  on("of writes of one task at the same time the first holds as a whole", async (savers) => {
    const processes = [savers.open(), savers.open(), savers.open()]
    const config = await putOn(processes[0]!, threadOf("t"), checkpointOf({}))
    await Promise.all(
      processes.map((saver, at) =>
        saver.putWrites(
          config,
          [
            ["a", at],
            ["b", at],
          ],
          "task",
        ),
      ),
    )
    const [[, , a] = [], [, , b] = [], ...more] = (await savers.open().getTuple(config))?.pendingWrites ?? []
    expect([0, 1, 2]).toContain(a)
    expect(b).toBe(a)
    expect(more).toEqual([])
  })

  on("special writes of one task at the same time are both taken, and one of each kind holds", async (savers) => {
    const [a, b] = [savers.open(), savers.open()]
    const config = await putOn(a, threadOf("t"), checkpointOf({}))
    await Promise.all([
      a.putWrites(config, [[INTERRUPT, "a"]], "task"),
      b.putWrites(
        config,
        [
          [INTERRUPT, "b"],
          ["out", 1],
        ],
        "task",
      ),
    ])
    const writes = (await a.getTuple(config))?.pendingWrites ?? []
    expect(writes.map(([, channel]) => channel)).toEqual([INTERRUPT, "out"])
    expect(["a", "b"]).toContain(writes[0]?.[2])
  })

  on("of special writes the last holds, also if it was written before; of others the first", async (savers) => {
    const [a, b] = [savers.open(), savers.open()]
    const config = await putOn(a, threadOf("t"), checkpointOf({}))
    const held = async () => (await b.getTuple(config))?.pendingWrites
    await a.putWrites(
      config,
      [
        [RESUME, 1],
        ["out", 1],
      ],
      "task",
    )
    await b.putWrites(
      config,
      [
        [RESUME, 2],
        ["out", 2],
        ["more", 2],
      ],
      "task",
    )
    expect(await held()).toEqual([
      ["task", RESUME, 2],
      ["task", "out", 1],
      ["task", "more", 2],
    ])
    await a.putWrites(config, [[RESUME, 1]], "task")
    expect(await held()).toEqual([
      ["task", RESUME, 1],
      ["task", "out", 1],
      ["task", "more", 2],
    ])
    const before = await keysOf(savers.backend)
    await b.putWrites(
      config,
      [
        [RESUME, 1],
        ["out", 3],
      ],
      "task",
    )
    expect(await keysOf(savers.backend)).toEqual(before)
  })

  on("another checkpoint with the same id is refused, and the same checkpoint is not", async (savers) => {
    const [a, b] = [savers.open(), savers.open()]
    const first = checkpointOf({ messages: ["a"] })
    const config = await putOn(a, threadOf("t"), first)
    await expect(putOn(b, threadOf("t"), { ...first, channel_values: { messages: ["b"] } })).rejects.toMatchObject({
      code: "CKPT_CONFLICT",
    })
    expect(await putOn(b, threadOf("t"), first)).toEqual(config)
    expect((await b.getTuple(threadOf("t")))?.checkpoint.channel_values).toEqual({ messages: ["a"] })
  })

  on("forks whose versions collide keep their own values", async (savers) => {
    const [a, b] = [savers.open(), savers.open()]
    const root = await putOn(a, threadOf("t"), checkpointOf({ text: large("root") }))
    const forks = await Promise.all(
      [a, b].map((saver, at) => putOn(saver, root, checkpointOf({ text: large(`fork ${at}`) }, { version: 2 }))),
    )
    for (const [at, fork] of forks.entries()) {
      const found = await savers.open().getTuple(fork)
      expect(found?.checkpoint.channel_values["text"]).toBe(large(`fork ${at}`))
      expect(found?.parentConfig).toEqual(root)
    }
  })

  on("a saver whose thread another saver deleted goes on there with the same large value", async (savers) => {
    const [saver, other] = [savers.open(), savers.open()]
    await putOn(saver, threadOf("t"), checkpointOf({ prompt: large("same") }))
    await other.deleteThread("t")
    const config = await putOn(saver, threadOf("t"), checkpointOf({ prompt: large("same") }))
    const found = await savers.open().getTuple(config)
    expect(found?.checkpoint.channel_values).toEqual({ prompt: large("same") })
  })

  on("a large value that does not change is stored once, also by several savers", async (savers) => {
    let config = threadOf("t")
    for (let step = 0; step < 4; step++) {
      config = await putOn(savers.open(), config, checkpointOf({ messages: large("same"), step }))
    }
    const keys = await keysOf(savers.backend)
    expect(keys.filter((key) => key.startsWith("agents/v/"))).toHaveLength(1)
    expect(keys.filter((key) => key.startsWith("agents/c/"))).toHaveLength(4)
  })

  on("of a history that grows each piece is stored once, also by several savers", async (savers) => {
    const before = { history: text(1, 200) }
    const after = { history: before.history + text(2, 1) }
    const first = await putOn(savers.open(), threadOf("t"), checkpointOf(before))
    const pieces = async () => (await keysOf(savers.backend)).filter((key) => key.startsWith("agents/v/"))
    const there = await pieces()
    expect(there.length).toBeGreaterThan(5)
    const saver = savers.open()
    await saver.getTuple(first)
    const second = await putOn(saver, first, checkpointOf(after))
    expect(await pieces()).toEqual(there)
    expect((await savers.open().getTuple(first))?.checkpoint.channel_values).toEqual(before)
    expect((await savers.open().getTuple(second))?.checkpoint.channel_values).toEqual(after)
    await savers.open().deleteThread("t")
    expect(await keysOf(savers.backend)).toEqual([])
  })

  on(
    "a piece that was damaged, and one that was lost, are stored anew by the saver that has met them",
    async (savers) => {
      const saver = savers.open()
      const values = { history: text(1, 200) }
      const first = await putOn(saver, threadOf("t"), checkpointOf({ step: 1 }))
      const second = await putOn(saver, first, checkpointOf(values))
      const [one = "", two = ""] = (await keysOf(savers.backend)).filter((key) => key.startsWith("agents/v/"))
      await savers.backend.put(one, [Buffer.from("damaged")])
      await savers.backend.delete([two])
      expect((await saver.getTuple(threadOf("t")))?.config).toEqual(first)
      const third = await putOn(saver, first, checkpointOf(values))
      for (const config of [second, third])
        expect((await savers.open().getTuple(config))?.checkpoint.channel_values).toEqual(values)
    },
  )

  on("a damaged checkpoint is passed over, told, and refused by its id", async (savers) => {
    const saver = savers.open()
    const first = await putOn(saver, threadOf("t"), checkpointOf({ step: 1 }))
    const second = await putOn(saver, first, checkpointOf({ step: 2 }))
    const [latest = ""] = (await keysOf(savers.backend)).filter((key) => key.endsWith(".c"))
    await savers.backend.put(latest, [Buffer.from("damaged")])
    expect(await saver.getTuple(threadOf("t"))).toMatchObject({ config: first })
    const told = { type: "damaged", threadId: "t", checkpointId: idOfConfig(second), error: corrupt }
    expect(savers.events).toMatchObject([told])
    await expect(saver.getTuple(second)).rejects.toMatchObject(corrupt)
    expect(await idsOf(saver, threadOf("t"))).toEqual([idOfConfig(first)])
    expect(savers.events).toMatchObject([told, told])
  })

  on("a checkpoint with a damaged value is passed over, and so is one without its value", async (savers) => {
    const saver = savers.open()
    const first = await putOn(saver, threadOf("t"), checkpointOf({ step: 1 }))
    const second = await putOn(saver, first, checkpointOf({ text: large("two") }))
    await savers.damage(/^agents\/v\//)
    expect(await saver.getTuple(threadOf("t"))).toMatchObject({ config: first })
    await expect(saver.getTuple(second)).rejects.toMatchObject(corrupt)
    await savers.backend.delete((await keysOf(savers.backend)).filter((key) => key.startsWith("agents/v/")))
    expect(await saver.getTuple(threadOf("t"))).toMatchObject({ config: first })
    await expect(saver.getTuple(second)).rejects.toMatchObject(corrupt)
    expect(savers.events).toMatchObject([{ type: "damaged" }, { type: "damaged" }])
  })

  on("a checkpoint with damaged writes is passed over", async (savers) => {
    const saver = savers.open()
    const first = await putOn(saver, threadOf("t"), checkpointOf({ step: 1 }))
    const second = await putOn(saver, first, checkpointOf({ step: 2 }))
    await saver.putWrites(second, [["out", 1]], "task")
    await savers.damage(/\.w\.task\./)
    expect(await saver.getTuple(threadOf("t"))).toMatchObject({ config: first })
    await expect(saver.getTuple(second)).rejects.toMatchObject(corrupt)
  })

  on("a thread of which no checkpoint verifies is no new thread", async (savers) => {
    await putOn(savers.open(), threadOf("t"), checkpointOf({ step: 1 }))
    await savers.damage(/\.c$/)
    await expect(savers.open().getTuple(threadOf("t"))).rejects.toMatchObject(corrupt)
  })

  on("a damaged value is replaced by whoever stores it again", async (savers) => {
    const first = await putOn(savers.open(), threadOf("t"), checkpointOf({ text: large("text") }))
    await savers.damage(/^agents\/v\//)
    const second = await putOn(savers.open(), first, checkpointOf({ text: large("text") }))
    for (const config of [first, second]) {
      expect((await savers.open().getTuple(config))?.checkpoint.channel_values).toEqual({ text: large("text") })
    }
  })

  on("writes whose checkpoint was never stored are no checkpoint", async (savers) => {
    const saver = savers.open()
    const first = await putOn(saver, threadOf("t"), checkpointOf({ step: 1 }))
    const lost = withId(first, uuid6(0))
    for (let task = 0; task < 25; task++) await saver.putWrites(lost, [["out", task]], `task-${task}`)
    expect(await saver.getTuple(threadOf("t"))).toMatchObject({ config: first, pendingWrites: [] })
    expect(await saver.getTuple(lost)).toBeUndefined()
    expect(await idsOf(saver, threadOf("t"))).toEqual([idOfConfig(first)])
  })

  on("any text can name a thread, a namespace, a channel and a task", async (savers) => {
    const [a, b] = [savers.open(), savers.open()]
    const names = ["", "A", "a", ".", "..", "a/b", "a|b:c", "ä", "a\u0308", "😀", "\ud800", "\udc00", "_", "_5f"]
    names.push(" ", "\0", "__proto__", "constructor", "x".repeat(5000), `${"x".repeat(4999)}y`)
    await Promise.all(
      names.map(async (name) => {
        const config = await putOn(a, threadOf(name, name), checkpointOf({ [name]: name, text: large(`${name}.`) }))
        await a.putWrites(config, [[name, name]], name)
      }),
    )
    for (const name of names) {
      const tuple = await b.getTuple(threadOf(name, name))
      expect(tuple?.config.configurable).toMatchObject({ thread_id: name, checkpoint_ns: name })
      expect(Object.entries(tuple?.checkpoint.channel_values ?? {})).toEqual([
        [name, name],
        ["text", large(`${name}.`)],
      ])
      expect(tuple?.pendingWrites).toEqual([[name, name, name]])
      expect(await idsOf(b, { configurable: { thread_id: name } })).toEqual([tuple?.checkpoint.id])
    }
    const [gone = "", ...left] = names
    await b.deleteThread(gone)
    expect(await a.getTuple(threadOf(gone, gone))).toBeUndefined()
    for (const name of left) expect(await a.getTuple(threadOf(name, name))).toBeDefined()
  })

  on("a value counts as it was when put was called", async (savers) => {
    const saver = savers.open()
    const messages = ["first"]
    const state = { text: large("a") }
    const stored = putOn(saver, threadOf("t"), checkpointOf({ messages, state, bytes: new Uint8Array([1, 2, 3]) }))
    messages.push("second")
    state.text = "changed"
    expect((await saver.getTuple(await stored))?.checkpoint.channel_values).toEqual({
      messages: ["first"],
      state: { text: large("a") },
      bytes: new Uint8Array([1, 2, 3]),
    })
  })

  on("a fork of the first checkpoint has the values of its original", async (savers) => {
    const saver = savers.open()
    const first = checkpointOf({ step: 1, text: large("text") })
    await putOn(saver, threadOf("t"), first)
    const copy = { ...first, id: uuid6(1) }
    const config = await saver.put(threadOf("t"), copy, { ...loop, source: "fork" }, {})
    expect((await savers.open().getTuple(config))?.checkpoint.channel_values).toEqual(first.channel_values)
  })

  on("a copy of a thread has all that the thread has, and goes its own way", async (savers) => {
    const saver = savers.open()
    let config = threadOf("t")
    for (let step = 0; step < 3; step++) {
      config = await putOn(saver, config, checkpointOf({ step, text: large(`${step % 2}`) }))
      await saver.putWrites(config, [["out", step]], "task")
      await saver.putWrites(
        config,
        [
          ["out", 9],
          ["more", step],
        ],
        "task",
      )
    }
    await putOn(saver, threadOf("t", "sub"), checkpointOf({ text: large("sub") }))
    expect(await saver.copyThread("t", "copy")).toBe(4)
    const original = await saver.getTuple(threadOf("t"))
    const other = savers.open()
    const copy = await other.getTuple(threadOf("copy"))
    const renamed = (configurable: object | undefined) => ({ configurable: { ...configurable, thread_id: "copy" } })
    expect(copy).toEqual({
      ...original,
      config: renamed(original?.config.configurable),
      parentConfig: renamed(original?.parentConfig?.configurable),
    })
    expect(copy?.pendingWrites).toHaveLength(2)
    const ids = (thread_id: string) => idsOf(other, { configurable: { thread_id } })
    expect(await ids("copy")).toEqual(await ids("t"))
    // The same call again finds all of it.
    const keys = await keysOf(savers.backend)
    expect(await other.copyThread("t", "copy")).toBe(4)
    expect(await keysOf(savers.backend)).toEqual(keys)
    await other.deleteThread("t")
    expect(await other.getTuple(threadOf("copy"))).toEqual(copy)
  })

  on("a copy leaves out what is damaged, and tells it", async (savers) => {
    const saver = savers.open()
    const first = await putOn(saver, threadOf("t"), checkpointOf({ step: 1 }))
    await putOn(saver, first, checkpointOf({ text: large("two") }))
    await savers.damage(/^agents\/v\//)
    expect(await savers.open().copyThread("t", "copy")).toBe(1)
    expect(savers.events).toMatchObject([{ type: "damaged", threadId: "t" }])
    expect(await idsOf(saver, threadOf("copy"))).toEqual([idOfConfig(first)])
  })

  on("the list of several namespaces and threads is in the order of the ids", async (savers) => {
    const saver = savers.open()
    const ids: string[] = []
    for (let step = 0; step < 6; step++) {
      const config = threadOf(step % 2 ? "odd" : "even", step % 3 ? "sub" : "")
      ids.unshift(idOfConfig(await putOn(saver, config, checkpointOf({ step }))))
    }
    expect(await idsOf(saver, {})).toEqual(ids)
    expect(await idsOf(saver, { configurable: { thread_id: "odd" } })).toEqual([ids[0], ids[2], ids[4]])
    expect(await idsOf(saver, { configurable: { checkpoint_ns: "" } })).toEqual([ids[2], ids[5]])
    expect(await idsOf(saver, { configurable: { thread_id: "odd", checkpoint_id: ids[2] } })).toEqual([ids[2]])
  })
})
