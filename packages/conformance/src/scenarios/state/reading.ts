import assert from "node:assert/strict"
import type { ObjectBackend } from "@ckpt/core"
import { pattern } from "../../harness/bytes.js"
import { type CallInfo, permanent, recorder, transient, withFaults } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import {
  assertBytes,
  bytes,
  bytesBeforeDamage,
  flipped,
  manifestOf,
  readAll,
  refusal,
  saveAll,
  stateText,
} from "../support.js"
import { damaging, withBody } from "./bodies.js"

export const readingScenarios: readonly Scenario[] = [
  {
    name: "stream: readState gives the asked range, cut at the end of the state",
    async run({ open, keys }) {
      const { calls: gets, through } = recorder()
      const store = await open({ through })
      await store.save(manifestOf(1), { state: bytes("0123456789") })
      const read = async (offset?: number, length?: number) =>
        readAll(
          await store.readState(1, {
            ...(offset === undefined ? {} : { offset }),
            ...(length === undefined ? {} : { length }),
          }),
        )
      assert.equal(await read(), "0123456789")
      assert.equal(await read(3), "3456789")
      gets.length = 0
      assert.equal(await read(3, 4), "3456")
      assert.deepEqual(
        gets.filter(({ call, key }) => call === "get" && key === keys.state(1)).map(({ range }) => range),
        [{ offset: 3, length: 4 }],
      )
      assert.equal(await read(8, 100), "89")
      assert.equal(await read(0, 0), "")
      assert.equal(await read(10), "")
      assert.equal((await store.readState(1, { offset: 4 }))?.size, 6)
      assert.equal((await store.readState(1, { offset: 4 }))?.checksum, undefined)
      for (const range of [{ offset: 11 }, { offset: -1 }, { offset: Number.NaN }, { length: -1 }, { length: 1.5 }]) {
        await refusal(store.readState(1, range), "CKPT_INVALID")
      }
      assert.equal(await store.readState(2), undefined)
    },
  },
  {
    name: "stream: a reader starts from the first byte each time, and may be left early",
    async run({ open }) {
      const store = await open()
      const state = pattern(5_000_000)
      await store.save(manifestOf(1), { state })
      const reader = await store.readState(1)
      for (let round = 0; round < 3; round++) {
        for await (const chunk of reader ?? []) {
          assertBytes(chunk, state.subarray(0, chunk.length))
          break
        }
      }
      assertBytes(await reader?.bytes(), state)
    },
  },
  {
    name: "stream: a body that breaks off is read on from the next byte",
    async run({ open, keys }) {
      const state = pattern(4_000_000)
      await (await open()).save(manifestOf(1), { state })
      let breaks = 3
      const offsets: (number | undefined)[] = []
      async function* breaking(body: AsyncIterable<Uint8Array>) {
        for await (const chunk of body) {
          yield chunk
          if (breaks-- > 0) throw transient()
        }
      }
      const through = (backend: ObjectBackend) =>
        withBody(backend, keys.state(1), (body, offset) => {
          offsets.push(offset)
          return breaking(body)
        })
      const reader = await (await open({ through })).readState(1)
      assertBytes(await reader?.bytes(), state)
      assert.equal(offsets.length, 4)
      assert.ok((offsets[3] ?? 0) > (offsets[2] ?? 0))
    },
  },
  {
    name: "stream: a body that ends early is CKPT_IO",
    async run({ open, keys }) {
      await (await open()).save(manifestOf(1), { state: bytes("all of the state") })
      async function* short(body: AsyncIterable<Uint8Array>) {
        for await (const chunk of body) yield chunk.subarray(0, Math.max(0, chunk.length - 3))
      }
      const through = (backend: ObjectBackend) => withBody(backend, keys.state(1), short)
      const reader = await (await open({ through })).readState(1)
      assert.equal((await refusal(reader?.bytes() as Promise<unknown>, "CKPT_IO", 1)).retryable, true)
    },
  },
  ...(["with every chunk handed over", "with the last chunk withheld"] as const).map(
    (how): Scenario => ({
      name: `stream: a body that fails the storage's checksum, ${how}, is read again from its first byte`,
      async run({ open, keys }) {
        const state = pattern(300_000)
        const opener = await open()
        await saveAll(opener, 1)
        await opener.save(manifestOf(2), { state })
        const offsets: (number | undefined)[] = []
        let damagedTimes = 1
        const through = (backend: ObjectBackend) =>
          damaging(backend, keys.state(2), how === "with the last chunk withheld", (offset) => {
            offsets.push(offset)
            return offsets.length <= damagedTimes
          })
        const store = await open({ through })
        const found = await store.recover()
        assert.deepEqual(found.skipped, [])
        assert.equal(found.checkpoint?.id, 2)
        assert.deepEqual(offsets, [undefined, undefined])

        // A reader has handed the bytes over already: its call fails, and can be made again.
        offsets.length = 0
        const reader = await store.readState(2)
        assert.equal((await refusal(reader?.bytes() as Promise<unknown>, "CKPT_IO", 2)).retryable, true)
        const again = await (await store.readState(2))?.bytes()
        assertBytes(again, state)

        // If the body is damaged every time, the checkpoint is damaged, and recover skips it.
        damagedTimes = Number.POSITIVE_INFINITY
        const past = await (await open({ through })).recover()
        assert.equal(past.checkpoint?.id, 1)
        assert.deepEqual(
          past.skipped.map(({ id }) => id),
          [2],
        )
      },
    }),
  ),
  {
    name: "stream: the last chunk of a damaged state is held back, even if an empty chunk follows",
    async run({ open, keys, plant, peek }) {
      await saveAll(await open(), 1)
      await plant(keys.state(1), flipped(await peek(keys.state(1))))
      async function* withEmpty(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
        yield new Uint8Array(0)
        yield* body
        yield new Uint8Array(0)
      }
      const through = (backend: ObjectBackend) => withBody(backend, keys.state(1), withEmpty)
      const reader = await (await open({ through })).readState(1)
      assert.ok((await bytesBeforeDamage(reader, 1)) < stateText(1).length)
    },
  },
  {
    name: "stream: a failure of the storage while a state is read is CKPT_IO",
    async run({ open, keys }) {
      await saveAll(await open(), 1)
      const on = ({ call, key }: CallInfo) => call === "get" && key === keys.state(1)
      for (const [error, retryable] of [
        [permanent, false],
        [transient, true],
      ] as const) {
        const store = await open({ through: (b) => withFaults(b, { on, at: "before", error }) })
        const reader = await store.readState(1)
        assert.equal((await refusal(reader?.bytes() as Promise<unknown>, "CKPT_IO", 1)).retryable, retryable)
        const iterating = (async () => {
          for await (const _ of reader ?? []) assert.fail("there is nothing to give")
        })()
        await refusal(iterating, "CKPT_IO", 1)
      }
    },
  },
]
