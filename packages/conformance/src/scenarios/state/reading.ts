import assert from "node:assert/strict"
import { BackendError, type ObjectBackend } from "@ckpt/core"
import { type CallInfo, intercept, permanent, recordCalls, transient, withFaults } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import { bytes, flipped, manifestOf, readAll, refusal, saveAll, stateText } from "../support.js"
import { pattern } from "./writing.js"

export const readingScenarios: readonly Scenario[] = [
  {
    name: "stream: readState gives the range that is asked for, cut at the end",
    async run({ open, keys }) {
      let gets: CallInfo[] = []
      const store = await open({
        through(backend) {
          const recording = recordCalls(backend)
          gets = recording.calls
          return recording.backend
        },
      })
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
    name: "stream: a reader reads from the start each time, and may be left early",
    async run({ open }) {
      const store = await open()
      const state = pattern(5_000_000)
      await store.save(manifestOf(1), { state })
      const reader = await store.readState(1)
      for (let round = 0; round < 3; round++) {
        for await (const chunk of reader ?? []) {
          assert.ok(Buffer.from(state.subarray(0, chunk.length)).equals(chunk))
          break
        }
      }
      assert.ok(Buffer.from(state).equals((await reader?.bytes()) ?? new Uint8Array()))
    },
  },
  {
    name: "stream: a body that breaks off is read on from there, pinned to its version",
    async run({ open, keys }) {
      const state = pattern(4_000_000)
      await (await open()).save(manifestOf(1), { state })
      let breaks = 3
      const offsets: (number | undefined)[] = []
      const through = (backend: ObjectBackend): ObjectBackend => ({
        ...intercept(backend, {}),
        async get(key, options) {
          const content = await backend.get(key, options)
          if (content === undefined || key !== keys.state(1)) return content
          offsets.push(options?.range?.offset)
          async function* breaking(body: AsyncIterable<Uint8Array>) {
            for await (const chunk of body) {
              yield chunk
              if (breaks-- > 0) throw transient()
            }
          }
          return { meta: content.meta, body: breaking(content.body) }
        },
      })
      const reader = await (await open({ through })).readState(1)
      assert.ok(Buffer.from(state).equals((await reader?.bytes()) ?? new Uint8Array()))
      assert.equal(offsets.length, 4)
      assert.ok((offsets[3] ?? 0) > (offsets[2] ?? 0))
    },
  },
  {
    name: "stream: a body that ends early is never a success",
    async run({ open, keys }) {
      await (await open()).save(manifestOf(1), { state: bytes("all of the state") })
      const through = (backend: ObjectBackend): ObjectBackend => ({
        ...intercept(backend, {}),
        async get(key, options) {
          const content = await backend.get(key, options)
          if (content === undefined || key !== keys.state(1)) return content
          async function* short(body: AsyncIterable<Uint8Array>) {
            for await (const chunk of body) yield chunk.subarray(0, Math.max(0, chunk.length - 3))
          }
          return { meta: content.meta, body: short(content.body) }
        },
      })
      const reader = await (await open({ through })).readState(1)
      assert.equal((await refusal(reader?.bytes() as Promise<unknown>, "CKPT_IO", 1)).retryable, true)
    },
  },
  ...(["all handed over", "the last chunk withheld"] as const).map(
    (how): Scenario => ({
      name: `stream: a body that fails its storage's checksum at the end, ${how}, is read again and not gone on with`,
      async run({ open, keys }) {
        const state = pattern(300_000)
        const opener = await open()
        await saveAll(opener, 1)
        await opener.save(manifestOf(2), { state })
        const offsets: (number | undefined)[] = []
        let damagedTimes = 1
        const through = (backend: ObjectBackend) =>
          damaging(backend, keys.state(2), how === "the last chunk withheld", (offset) => {
            offsets.push(offset)
            return offsets.length <= damagedTimes
          })
        const store = await open({ through })
        const found = await store.recover()
        assert.deepEqual(found.skipped, [])
        assert.equal(found.checkpoint?.id, 2)
        assert.deepEqual(offsets, [undefined, undefined])

        // Whoever reads the bytes themselves has been given them: the call fails, and can be made again.
        offsets.length = 0
        const reader = await store.readState(2)
        assert.equal((await refusal(reader?.bytes() as Promise<unknown>, "CKPT_IO", 2)).retryable, true)
        const again = await (await store.readState(2))?.bytes()
        assert.ok(Buffer.from(again ?? []).equals(state))

        // Damaged for good: it is the checkpoint's damage, and recovery goes past it.
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
    name: "stream: empty chunks are not handed over, so the last one is held back although an empty one follows",
    async run({ open, keys, plant, peek }) {
      await saveAll(await open(), 1)
      await plant(keys.state(1), flipped(await peek(keys.state(1))))
      async function* withEmpty(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
        yield new Uint8Array(0)
        yield* body
        yield new Uint8Array(0)
      }
      const through = (backend: ObjectBackend): ObjectBackend => ({
        ...intercept(backend, {}),
        async get(key, options) {
          const content = await backend.get(key, options)
          return content && { meta: content.meta, body: withEmpty(content.body) }
        },
      })
      const reader = await (await open({ through })).readState(1)
      let given = 0
      const reading = (async () => {
        for await (const chunk of reader ?? []) given += chunk.length
      })()
      await refusal(reading, "CKPT_CORRUPT", 1)
      assert.ok(given < stateText(1).length)
    },
  },
  {
    name: "stream: a storage that fails while a state is read is CKPT_IO",
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

/** A storage whose answers for one key have a flipped bit in every chunk, and say at the end that the checksum is wrong. */
export function damaging(
  backend: ObjectBackend,
  damagedKey: string,
  withhold: boolean,
  isDamaged: (offset: number | undefined) => boolean,
): ObjectBackend {
  async function* damaged(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
    let held: Uint8Array | undefined
    for await (const chunk of inPieces(body, 100_000)) {
      if (held !== undefined) yield held
      held = chunk.map((byte) => byte ^ 1)
      if (withhold) continue
      yield held
      held = undefined
    }
    throw new BackendError("transient", "the checksum of the answer does not match", { checksumMismatch: true })
  }
  return {
    ...intercept(backend, {}),
    async get(key, options) {
      const content = await backend.get(key, options)
      if (content === undefined || key !== damagedKey || !isDamaged(options?.range?.offset)) return content
      return { meta: content.meta, body: damaged(content.body) }
    },
  }
}

async function* inPieces(body: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array, void, void> {
  for await (const chunk of body) {
    for (let offset = 0; offset < chunk.length; offset += size) yield chunk.subarray(offset, offset + size)
  }
}
