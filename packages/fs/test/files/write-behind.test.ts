import { readFile } from "node:fs/promises"
import { describe, expect, test } from "vitest"
import { FsBackend } from "../../src/backend.js"
import { createManifest, openFsStore } from "../../src/index.js"
import { checkpoint, isTemporary, keys, manifestOf, read, rejection, stateOf, tree } from "../backend/support.js"
import type { Call, Watch } from "../backend/watched-files.js"
import { errno, watchFiles } from "../backend/watched-files.js"
import { temporaryFolder } from "../folder.js"

const mib = 1 << 20
/** Different everywhere, so that a part in the wrong place shows. */
const content = Buffer.alloc(72 * mib)
for (let at = 0; at < content.length; at += 4) content.writeUInt32LE(at, at)

async function* inChunks(bytes: number, size = content.length): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < size; at += bytes) yield content.subarray(at, Math.min(size, at + bytes))
}

const isWrite = ({ name }: Call) => name === "write" || name === "writev"

/** A save of 72 MiB that must fail: what was under way has ended, nothing is to be seen, and no handle is left open. */
async function expectNothing(watch: (calls: { writes: number; datasyncs: number }) => Watch, code: string) {
  for (const kind of ["put", "commit"] as const) {
    const root = await temporaryFolder()
    const counted = { writes: 0, datasyncs: 0 }
    const { before, ...rest } = watch(counted)
    const files = watchFiles({
      ...rest,
      before: (call) => {
        if (isWrite(call)) counted.writes++
        if (call.name === "datasync") counted.datasyncs++
        return before?.(call)
      },
    })
    const backend = new FsBackend(root, { files })
    const state = inChunks(256 << 10)
    const save =
      kind === "put"
        ? backend.put(stateOf(1), state, { when: "absent" })
        : backend.commit({ create: [{ key: stateOf(1), body: state }], pointer: checkpoint(1).pointer! })
    const error = await rejection(save)
    expect(error.message).toContain(code)
    expect(files.held()).toBe(0)
    expect((await tree(root)).filter(isTemporary)).toEqual([])
    expect((await keys(new FsBackend(root))).filter((key) => !key.endsWith("/"))).toEqual([])
    // The system reports a lost write once: a sync after it would pretend that all is well.
    expect(files.count("sync", /state\.bin$|\.tmp-/)).toBe(0)
    expect((await state.next()).done).toBe(true)
  }
}

describe("writing behind the producer", () => {
  test("two writes that end in the other order: every byte is in its place", async () => {
    const root = await temporaryFolder()
    let second: () => void = () => undefined
    let writes = 0
    const begun = new Promise<void>((resolve) => {
      second = resolve
    })
    const ended: number[] = []
    const files = watchFiles({
      before: async (call) => {
        if (!isWrite(call)) return
        writes++
        if (writes === 1) await begun
      },
      after: (call) => {
        if (!isWrite(call)) return
        ended.push(call.position ?? -1)
        second()
      },
    })
    await new FsBackend(root, { files }).put("a/b", inChunks(256 << 10, 20 * mib))
    expect(ended.slice(0, 2)).toEqual([8 * mib, 0])
    expect((await readFile(`${root}/a/b`)).equals(content.subarray(0, 20 * mib))).toBe(true)
  })

  test("writes that take a part only go on behind it", async () => {
    const root = await temporaryFolder()
    let writes = 0
    const files = watchFiles({ takes: () => (++writes % 2 === 1 ? writes * 100_003 : undefined) })
    await new FsBackend(root, { files }).put("a/b", inChunks(100_000, 20 * mib))
    expect(writes).toBeGreaterThan(5)
    expect((await readFile(`${root}/a/b`)).equals(content.subarray(0, 20 * mib))).toBe(true)
  })

  test("chunks are given back once they were written, each once, and never before", async () => {
    const root = await temporaryFolder()
    const chunks = Array.from({ length: 80 }, (_, n) => content.subarray(n * 200_000, (n + 1) * 200_000))
    const back: Uint8Array[] = []
    let written = 0
    const files = watchFiles({
      after: (call) => {
        if (isWrite(call)) written += call.buffers?.length ?? 0
      },
    })
    const body = {
      async *[Symbol.asyncIterator]() {
        yield* chunks
      },
      recycle(chunk: Uint8Array) {
        back.push(chunk)
        expect(back.length).toBeLessThanOrEqual(written)
      },
    }
    await new FsBackend(root, { files }).put("a/b", body)
    expect(new Set(back)).toEqual(new Set(chunks))
    expect(back).toHaveLength(chunks.length)
  })
})

describe("a save fails and leaves nothing", () => {
  test("when an early sync of its data fails", { timeout: 120_000 }, async () => {
    await expectNothing(
      () => ({
        before: ({ name }) => {
          if (name === "datasync") throw errno("EIO")
        },
      }),
      "EIO",
    )
  })

  test("when that is known only after the last write", async () => {
    await expectNothing(
      (counted) => ({
        before: async ({ name }) => {
          if (name !== "datasync") return
          while (counted.writes < 9) await new Promise(setImmediate)
          throw errno("EIO")
        },
      }),
      "EIO",
    )
  })

  test.each([1, 2, 3, 9])("when the disk is full at gathered write %i", async (at) => {
    await expectNothing(
      (counted) => ({
        before: (call) => {
          if (isWrite(call) && counted.writes === at) throw errno("ENOSPC")
        },
      }),
      "ENOSPC",
    )
  })

  test.each([1, 2, 5, 9])("when it is aborted at gathered write %i", async (at) => {
    const reason = { abort: "this very object" }
    const root = await temporaryFolder()
    const controller = new AbortController()
    let writes = 0
    const files = watchFiles({
      before: (call) => {
        if (isWrite(call) && ++writes === at) controller.abort(reason)
      },
    })
    const backend = new FsBackend(root, { files })
    const { signal } = controller
    const state = inChunks(256 << 10)
    const save = backend.commit({ ...checkpoint(1), create: [{ key: stateOf(1), body: state }] }, { signal })
    expect(await save.catch((error: unknown) => error)).toBe(reason)
    expect(writes).toBeLessThanOrEqual(at + 1)
    expect(files.held()).toBe(0)
    expect(await keys(new FsBackend(root), "checkpoints/")).toEqual([])
    expect((await tree(root)).filter(isTemporary)).toEqual([])
    expect((await state.next()).done).toBe(true)
  })
})

describe("reading ahead", () => {
  test("two chunks are under way while one is worked on, in order, and never more", async () => {
    const root = await temporaryFolder()
    await new FsBackend(root).put("a/b", [content.subarray(0, 9 * mib + 5)])
    let underWay = 0
    let most = 0
    const files = watchFiles({
      before: ({ name }) => {
        if (name === "read") most = Math.max(most, ++underWay)
      },
      after: ({ name }) => {
        if (name === "read") underWay--
      },
    })
    const stored = await new FsBackend(root, { files }).get("a/b")
    expect(files.count("read")).toBe(0)
    const iterator = stored!.body[Symbol.asyncIterator]()
    const first = await iterator.next()
    expect(files.count("read")).toBe(3)
    const rest = await read({ ...stored!, body: { [Symbol.asyncIterator]: () => iterator } })
    expect(Buffer.concat([first.value as Uint8Array, rest]).equals(content.subarray(0, 9 * mib + 5))).toBe(true)
    expect([files.count("read"), most, files.held()]).toEqual([10, 3, 0])
  })

  test("a reader that leaves, or a read that fails, ends the reads behind it before the file is closed", async () => {
    const root = await temporaryFolder()
    await new FsBackend(root).put(manifestOf(1), [content.subarray(0, 9 * mib)])
    for (const failing of [false, true]) {
      let reads = 0
      const files = watchFiles({
        before: ({ name }) => {
          if (name === "read" && ++reads === 2 && failing) throw errno("EIO")
        },
      })
      const stored = await new FsBackend(root, { files }).get(manifestOf(1))
      const iterator = stored!.body[Symbol.asyncIterator]()
      expect((await iterator.next()).done).toBe(false)
      if (failing) expect((await rejection(iterator.next())).message).toContain("EIO")
      else await iterator.return?.()
      expect([files.held(), files.count("close")]).toEqual([0, 1])
      expect(await iterator.next()).toEqual({ done: true, value: undefined })
    }
  })

  test("verification reads into the same few buffers; a reader's chunks are its own", async () => {
    const root = await temporaryFolder()
    const state = content.subarray(0, 20 * mib)
    const files = watchFiles()
    const buffers = () =>
      new Set(
        files.calls
          .filter(({ name, path }) => name === "read" && path.endsWith("state.bin"))
          .map((c) => c.buffers?.[0]?.buffer),
      )
    const store = await openFsStore(root, { files })
    await store.save(createManifest({ checkpointId: 1, epoch: 1 }), { state })
    expect((await store.verify(1)).valid).toBe(true)
    expect(buffers().size).toBeLessThanOrEqual(5)
    files.calls.length = 0
    const chunks: Uint8Array[] = []
    for await (const chunk of (await store.readState(1))!) chunks.push(chunk)
    expect(Buffer.concat(chunks).equals(state)).toBe(true)
    expect(buffers().size).toBe(20)
    await store.close()
  })
})
