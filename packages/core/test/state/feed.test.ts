import { createHash } from "node:crypto"
import fc from "fast-check"
import { expect, test } from "vitest"
import { pieces, piecesInMemory } from "../../src/bytes/rechunk.js"
import { byUtf8 } from "../../src/format/utf8-order.js"
import { openFeed } from "../../src/state/feed.js"
import { packOperators } from "../../src/state/pack-operators.js"
import type { StateSource } from "../../src/state/source.js"
import type { Watch } from "../../src/storage/attempt.js"

const watch: Watch = { touch() {}, paused: (wait) => wait() }
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex")

async function readAll(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Buffer> {
  const copies: Uint8Array[] = []
  for await (const chunk of chunks) copies.push(chunk.slice())
  return Buffer.concat(copies)
}

async function* reusingOneBuffer(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(size)
  for (let offset = 0; offset < bytes.length; offset += size) {
    const part = bytes.subarray(offset, offset + size)
    buffer.set(part)
    yield buffer.subarray(0, part.length)
  }
}

function webStream(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(bytes)
      controller.close()
    },
  })
}

test("every form of a source gives the same bytes, size and checksum", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 300_000 }),
      fc.integer({ min: 1, max: 60_000 }),
      async (bytes, size) => {
        const half = bytes.length >> 1
        const forms: StateSource[] = [
          bytes,
          [bytes.subarray(0, half), new Uint8Array(0), bytes.subarray(half)],
          reusingOneBuffer(bytes, size),
          webStream(bytes),
        ]
        for (const form of forms) {
          const feed = await openFeed(form, undefined)
          expect(await readAll(feed.open(watch))).toEqual(Buffer.from(bytes))
          expect(feed.info()).toEqual({ checksum: sha256(bytes), size: bytes.length })
        }
      },
    ),
    { numRuns: 60 },
  )
})

test("a large state in memory is hashed while it is read, and can be read again", async () => {
  const bytes = Buffer.alloc(9 * 1024 * 1024, "abc")
  const feed = await openFeed([bytes], undefined)
  for (let round = 0; round < 2; round++) {
    expect(feed.reopenable()).toBe(true)
    expect((await readAll(feed.open(watch))).equals(bytes)).toBe(true)
    expect(feed.info().checksum).toBe(sha256(bytes))
  }
})

test("a stream cannot be read again after its first chunk; draining completes its checksum", async () => {
  const bytes = Buffer.alloc(3_000_000, "x")
  const feed = await openFeed(reusingOneBuffer(bytes, 70_000), undefined)
  expect(feed.reopenable()).toBe(true)
  for await (const _ of feed.open(watch)) break
  expect(feed.reopenable()).toBe(false)
  expect(() => feed.info()).toThrow("not read to its end")
  await feed.drain()
  expect(feed.info()).toEqual({ checksum: sha256(bytes), size: bytes.length })
})

test("many small chunks become few pieces, a huge chunk becomes several", async () => {
  const block = 256 * 1024
  const sizesOf = async (chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) => {
    const sizes: number[] = []
    for await (const piece of chunks) sizes.push(piece.length)
    return sizes
  }
  async function* one(size: number) {
    yield new Uint8Array(size)
  }
  expect(await sizesOf(pieces(reusingOneBuffer(new Uint8Array(16 * block), 4096)))).toEqual(Array(16).fill(block))
  expect(await sizesOf(pieces(one(9.5 * block)))).toEqual([...Array(9).fill(block), block / 2])
  expect(await sizesOf(pieces(one(0)))).toEqual([])
  // A large chunk in memory is cut, not copied.
  const small = Array.from({ length: 100 }, () => new Uint8Array(4096))
  expect(await sizesOf(piecesInMemory([new Uint8Array(2_500_000), ...small, new Uint8Array(65_536)]))).toEqual([
    ...[1_048_576, 1_048_576, 402_848],
    ...[block, 100 * 4096 - block, 65_536],
  ])
})

test("a source may use its buffer again, however long its chunks are", async () => {
  const bytes = Buffer.alloc(5_000_000)
  for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE(at, at)
  for (const size of [999, 65_536, 300_000, 2_000_000]) {
    const feed = await openFeed(reusingOneBuffer(bytes, size), undefined)
    const kept: Uint8Array[] = []
    // The pieces are kept until the end, as a backend with a write-behind buffer keeps them.
    for await (const piece of feed.open(watch)) kept.push(piece)
    expect(Buffer.concat(kept).equals(bytes)).toBe(true)
    expect(feed.info().checksum).toBe(sha256(bytes))
  }
})

test("the memory of a piece that is given back is used again, and no other memory", async () => {
  const bytes = Buffer.alloc(3_000_000, "abcdefg")
  const forms = [reusingOneBuffer(bytes, 4096), cut(Buffer.concat([bytes, bytes, bytes]), 4096)]
  for (const form of forms) {
    const feed = await openFeed(form, undefined)
    const body = feed.open(watch) as AsyncIterable<Uint8Array> & { recycle(piece: Uint8Array): void }
    const seen = new Set<ArrayBufferLike>()
    const hash = createHash("sha256")
    for await (const piece of body) {
      seen.add(piece.buffer)
      hash.update(piece)
      body.recycle(piece)
      // A piece that is given back twice is taken once.
      body.recycle(piece)
      body.recycle(new Uint8Array(8))
    }
    expect(seen.size).toBeLessThanOrEqual(2)
    expect(feed.info().checksum).toBe(hash.digest("hex"))
  }
})

function cut(bytes: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) => bytes.subarray(n * size, (n + 1) * size))
}

test.each([["text"], [{}], [null], [42], [["text"]]])("%j is no source", async (source) => {
  const open = async () => (await openFeed(source as unknown as StateSource, undefined)).open(watch)
  const read = async () => readAll(await open())
  await expect(read()).rejects.toMatchObject({ code: "CKPT_INVALID" })
})

test("an abort does not wait for a source that hangs, and closes it", async () => {
  let closed = false
  const hanging: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise(() => {}),
      return: async () => {
        closed = true
        return { done: true, value: undefined }
      },
    }),
  }
  const controller = new AbortController()
  const feed = await openFeed(hanging, controller.signal)
  const reading = readAll(feed.open(watch))
  const reason = new Error("enough")
  controller.abort(reason)
  await expect(reading).rejects.toBe(reason)
  expect(closed).toBe(true)
})

test("operators: all go inline, or all go one behind the other, with exact offsets and checksums", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(fc.string({ maxLength: 6 }), fc.uint8Array({ maxLength: 400 }), { maxKeys: 8 }),
      fc.integer({ min: 0, max: 300 }),
      fc.integer({ min: 1, max: 90 }),
      async (operators, threshold, size) => {
        const sources = Object.fromEntries(
          Object.entries(operators).map(([name, bytes], i) => [
            name,
            i % 2 === 0 ? bytes : reusingOneBuffer(bytes, size),
          ]),
        )
        const packed = await packOperators(sources, threshold, undefined)
        const state = packed.feed === undefined ? Buffer.alloc(0) : await readAll(packed.feed.open(watch))
        const { operatorStates, operatorChecksums } = packed.result()
        expect(Object.keys(operatorStates).sort()).toEqual(Object.keys(operators).sort())
        const isExternal = Object.values(operators).some(({ length }) => length > threshold)
        let end = 0
        for (const name of Object.keys(operators).sort(byUtf8)) {
          const bytes = Buffer.from(operators[name] as Uint8Array)
          const stored = operatorStates[name]
          expect(stored?.external).toBe(isExternal)
          if (stored?.external) {
            expect(stored.externalOffset).toBe(end)
            end += stored.externalLength
            const slice = state.subarray(stored.externalOffset, end)
            expect(slice.equals(bytes)).toBe(true)
            expect(operatorChecksums?.[name]).toBe(sha256(bytes))
          } else expect(Buffer.from(stored?.stateB64 ?? "?", "base64").equals(bytes)).toBe(true)
        }
        expect(state.length).toBe(end)
      },
    ),
    { numRuns: 200 },
  )
})

test("operators: twenty thousand small ones beside a large one are cut into pieces together, not one by one", async () => {
  const operators: Record<string, Uint8Array> = { zz: new Uint8Array(100_000).fill(9) }
  for (let index = 0; index < 20_000; index++) operators[`o${index}`] = new Uint8Array(4).fill(index % 256)
  const packed = await packOperators(operators, 64 * 1024, undefined)
  let pieces = 0
  let bytes = 0
  const body = packed.feed?.open(watch) ?? expect.fail("all went inline")
  for await (const piece of body) {
    pieces++
    bytes += piece.length
  }
  expect([pieces, bytes]).toEqual([1, 180_000])
  const { operatorStates, operatorChecksums } = packed.result()
  expect(operatorStates["zz"]).toMatchObject({ externalOffset: 80_000, externalLength: 100_000 })
  expect(operatorChecksums?.["o7"]).toBe(sha256(operators["o7"] as Uint8Array))
})
