import assert from "node:assert/strict"
import type { ObjectBackend, StateSource } from "@ckpt/core"
import { pattern } from "../../harness/bytes.js"
import { permanent, withoutCommit } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import { takingStreams } from "../../harness/streams.js"
import {
  assertBytes,
  assertRecovers,
  bytes,
  manifestOf,
  readAll,
  refusal,
  rejection,
  saveAll,
  streamOf,
} from "../support.js"

const kib = 1024

/** Chunks that all share one buffer, which is overwritten for each. */
export async function* reusing(content: Uint8Array, chunkBytes: number): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.alloc(chunkBytes)
  for (let offset = 0; offset < content.length; offset += chunkBytes) {
    const part = content.subarray(offset, offset + chunkBytes)
    buffer.set(part)
    yield buffer.subarray(0, part.length)
    buffer.fill(0xee)
  }
}

const whole = pattern(3 * 1024 * kib + 17)
const sources: Readonly<Record<string, () => StateSource>> = {
  "one Uint8Array": () => whole,
  "a view into a larger buffer": () =>
    Buffer.concat([bytes("before"), whole, bytes("after")]).subarray(6, 6 + whole.length),
  "an array of chunks": () => [
    whole.subarray(0, 10),
    new Uint8Array(0),
    whole.subarray(10, 70_000),
    whole.subarray(70_000),
  ],
  "an async iterable": () =>
    streamOf(whole.subarray(0, 1), whole.subarray(1, 2_000_000), new Uint8Array(0), whole.subarray(2_000_000)),
  "a ReadableStream": () =>
    new ReadableStream<Uint8Array>({
      start(controller) {
        for (let offset = 0; offset < whole.length; offset += 50_000)
          controller.enqueue(whole.subarray(offset, offset + 50_000))
        controller.close()
      },
    }),
  "many chunks of 4 KiB in one buffer that is used again": () => reusing(whole, 4 * kib),
}

/** A storage on which a put of this key fails once it has taken the first chunk. */
function breakingOff(backend: ObjectBackend, failingKey: string): ObjectBackend {
  const plain = takingStreams(withoutCommit(backend))
  return {
    ...plain,
    async put(key, body, options) {
      if (key !== failingKey) return plain.put(key, body, options)
      for await (const _ of body) throw permanent()
      assert.fail("the source has no end")
    },
  }
}

export const streamScenarios: readonly Scenario[] = [
  ...Object.entries(sources).map(
    ([name, source]): Scenario => ({
      name: `stream: a state given as ${name} reads back whole`,
      async run({ open, keys, peek }) {
        const store = await open()
        const receipt = await store.save(manifestOf(1), { state: source() })
        assert.equal(receipt.stateSize, whole.length)
        assertBytes(await peek(keys.state(1)), whole)
        const reader = await store.readState(1)
        assert.deepEqual([reader?.size, reader?.checksum], [whole.length, receipt.stateChecksum])
        assertBytes(await reader?.bytes(), whole)
        assert.equal((await (await open()).recover()).checkpoint?.id, 1)
        // Bytes that are written ahead give the same checksum.
        const info = await (await open()).writeState(2, source())
        assert.deepEqual([info.checksum, info.size], [receipt.stateChecksum, receipt.stateSize])
      },
    }),
  ),
  {
    name: "stream: an empty state is saved and read as a state of 0 bytes",
    async run({ open, keys, allKeys }) {
      const store = await open()
      const empty: StateSource[] = [new Uint8Array(0), [], [new Uint8Array(0)], streamOf()]
      for (const [index, state] of empty.entries()) {
        const id = index + 1
        const receipt = await store.save(manifestOf(id), { state })
        assert.deepEqual([receipt.stateSize, typeof receipt.stateChecksum], [0, "string"])
        assert.ok((await allKeys()).includes(keys.state(id)))
        assert.deepEqual(await store.verify(id), { id, valid: true, issues: [] })
        const { checkpoint } = await store.recover()
        assert.equal((await checkpoint?.state())?.size, 0)
        assert.equal(await readAll(await store.readState(id)), "")
      }
    },
  },
  {
    name: "stream: a source that throws rejects the save with its own error and leaves no object",
    async run({ open, keys, allKeys }) {
      const store = await open()
      await saveAll(store, 1)
      const mine = new Error("mine")
      for (const [index, chunk] of [bytes("little"), pattern(3_000_000)].entries()) {
        const id = 2 + 2 * index
        async function* failing() {
          yield chunk
          throw mine
        }
        const manifest = manifestOf(id)
        assert.equal(await rejection(store.save(manifest, { state: failing() })), mine)
        assert.equal(await rejection(store.writeState(id, failing())), mine)
        assert.equal(await rejection(store.save(manifest, { operators: { op: failing() }, inlineThreshold: 2 })), mine)
        assert.ok(!(await allKeys()).some((key) => key === keys.manifest(id) || key === keys.state(id)))
        assert.deepEqual((await store.ids()).at(-1), id - 1)
        await assertRecovers(store, id - 1)
        await saveAll(store, id)
        await saveAll(store, id + 1)
        await assertRecovers(await open(), id + 1)
      }
    },
  },
  {
    name: "stream: a state that is not bytes is CKPT_INVALID and leaves no object",
    async run({ open, allKeys }) {
      const store = await open()
      const odd: unknown[] = [
        "text",
        5,
        {},
        null,
        true,
        ["text"],
        [new Uint8Array(1), null],
        new Set([new Uint8Array(1)]),
        streamOf(bytes("fine"), 7 as never),
        (async function* () {
          yield "text"
        })(),
      ]
      for (const state of odd) await refusal(store.save(manifestOf(1), { state: state as never }), "CKPT_INVALID")
      await refusal(store.save(manifestOf(1), { operators: { op: "text" as never } }), "CKPT_INVALID")
      await refusal(store.writeState(1, "text" as never), "CKPT_INVALID")
      assert.deepEqual(
        (await allKeys()).filter((key) => /state|manifest/.test(key)),
        [],
      )
    },
  },
  {
    name: "stream: a save that fails closes its source",
    async run({ open, keys, settled }) {
      let released = 0
      async function* source() {
        try {
          for (;;) yield pattern(100_000)
        } finally {
          released++
        }
      }
      const store = await open({ through: (backend) => breakingOff(backend, keys.state(2)) })
      await (await open()).save(manifestOf(1))
      await refusal(store.save(manifestOf(2), { state: source() }), "CKPT_IO", 2)
      assert.deepEqual(await store.ids(), [1])
      await settled()
      assert.equal(released, 1)
    },
  },
  {
    name: "stream: a save that fails closes the source of every operator",
    async run({ open, keys, settled }) {
      const released: string[] = []
      const sourceOf = (name: string): AsyncIterable<Uint8Array> => ({
        [Symbol.asyncIterator]: () => ({
          next: async () => ({ done: false, value: pattern(100_000) }),
          return: async () => {
            released.push(name)
            return { done: true, value: undefined }
          },
        }),
      })
      const store = await open({ through: (backend) => breakingOff(backend, keys.state(2)) })
      const operators = { a: sourceOf("a"), b: sourceOf("b"), c: sourceOf("c") }
      await refusal(store.save(manifestOf(2), { operators }), "CKPT_IO", 2)
      await settled()
      assert.deepEqual(released.sort(), ["a", "b", "c"])
    },
  },
  {
    name: "stream: progress does not tell bytesTotal of a save that fails",
    async run({ open, keys }) {
      const through = (backend: ObjectBackend): ObjectBackend => {
        const plain = withoutCommit(backend)
        const put: ObjectBackend["put"] = async (key, body, options) => {
          if (key === keys.manifest(2)) throw permanent()
          return plain.put(key, body, options)
        }
        return { ...plain, put }
      }
      const told: (number | undefined)[] = []
      const store = await open({ through })
      const state = streamOf(pattern(2 * 1024 * kib), pattern(1024 * kib))
      const saving = store.save(manifestOf(2), { state, onProgress: ({ bytesTotal }) => told.push(bytesTotal) })
      await refusal(saving, "CKPT_IO", 2)
      assert.ok(told.every((total) => total === undefined))
    },
  },
]
