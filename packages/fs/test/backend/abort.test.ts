import { describe, expect, test } from "vitest"
import { FsBackend } from "../../src/backend.js"
import { nodeFiles } from "../../src/files/file-api.js"
import { temporaryFolder } from "../folder.js"
import {
  body,
  bytes,
  checkpoint,
  isTemporary,
  keys,
  listed,
  manifestOf,
  read,
  stream,
  textAt,
  tree,
} from "./support.js"
import { watchFiles } from "./watched-files.js"

const reason = { abort: "this very object" }
const settled = (promise: Promise<unknown>) =>
  promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )

describe("abort", () => {
  test("before the start: every operation rejects with the reason, and nothing is done", async () => {
    const files = watchFiles()
    const backend = new FsBackend(`${await temporaryFolder()}/store`, { files })
    const signal = AbortSignal.abort(reason)
    for (const promise of [
      backend.put("a/b", body("x"), { signal }),
      backend.get("a/b", { signal }),
      backend.head("a/b", { signal }),
      backend.delete(["a/b"], { signal }),
      backend.leftovers({ olderThanMs: 0, prefix: "", signal }),
      backend.commit(checkpoint(1), { signal }),
    ]) {
      expect(await settled(promise)).toEqual({ error: reason })
    }
    expect(files.calls).toEqual([])
  })

  test("at each file call of a put, an update and a commit: the reason and no trace, or the whole thing", async () => {
    for (const kind of ["absent", "replace", "commit"] as const) {
      let rejected = 0
      let resolved = 0
      for (let at = 0; ; at++) {
        const root = await temporaryFolder()
        await new FsBackend(root).put("checkpoints/other/x", body("before"))
        const controller = new AbortController()
        const files = watchFiles({
          before: ({ index }) => {
            if (index === at) controller.abort(reason)
          },
        })
        const backend = new FsBackend(root, { files })
        const { signal } = controller
        const result = await settled(
          kind === "commit"
            ? backend.commit(checkpoint(1), { signal })
            : kind === "absent"
              ? backend.put(manifestOf(1), stream("manifest 1"), { signal, when: "absent" })
              : backend.put("checkpoints/other/x", body("manifest 1"), { signal }),
        )
        const key = kind === "replace" ? "checkpoints/other/x" : manifestOf(1)
        const plain = new FsBackend(root)
        if ("error" in result) {
          rejected++
          expect(result).toEqual({ error: reason })
          expect(await textAt(plain, key)).toBe(kind === "replace" ? "before" : undefined)
        } else {
          resolved++
          expect(await textAt(plain, key)).toBe("manifest 1")
        }
        expect((await tree(root)).filter(isTemporary)).toEqual([])
        if (files.calls.length <= at) break
      }
      expect(rejected).toBeGreaterThan(4)
      expect(resolved).toBeGreaterThan(2)
    }
  })

  test("while the body hangs: at once, and the body is told", async () => {
    const root = await temporaryFolder()
    for (const commit of [false, true]) {
      const controller = new AbortController()
      let returned = false
      const hanging: AsyncIterable<Uint8Array> = {
        [Symbol.asyncIterator]: () => ({
          next: () => new Promise(() => setTimeout(() => controller.abort(reason), 20)),
          return: async () => {
            returned = true
            return { done: true as const, value: undefined }
          },
        }),
      }
      const { signal } = controller
      const backend = new FsBackend(root)
      const promise = commit
        ? backend.commit({ create: [{ key: manifestOf(1), body: hanging }] }, { signal })
        : backend.put("checkpoints/x/y", hanging, { signal })
      expect(await settled(promise)).toEqual({ error: reason })
      expect(returned).toBe(true)
      expect(await keys(new FsBackend(root), "checkpoints/")).toEqual(commit ? ["checkpoints/x/"] : ["checkpoints/x/"])
    }
  })

  test("while waiting for a turn behind 64 others: the place in the queue is given up, and the rest goes on", async () => {
    const root = await temporaryFolder()
    const backend = new FsBackend(root)
    let open = () => {}
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    const gated = async function* () {
      await gate
      yield bytes("x")
    }
    const first = Array.from({ length: 64 }, (_, n) => backend.put(`a/first-${n}`, gated()))
    await new Promise((done) => setTimeout(done, 100))
    const controller = new AbortController()
    const aborted = Array.from({ length: 5 }, (_, n) =>
      settled(backend.put(`a/aborted-${n}`, body("x"), { signal: controller.signal })),
    )
    const last = Array.from({ length: 70 }, (_, n) => backend.put(`a/last-${n}`, body("x")))
    await new Promise((done) => setTimeout(done, 50))
    controller.abort(reason)
    expect(await Promise.all(aborted)).toEqual(Array.from({ length: 5 }, () => ({ error: reason })))
    open()
    await Promise.all([...first, ...last])
    expect(await keys(backend, "a/")).toHaveLength(134)
    await Promise.all(Array.from({ length: 64 }, (_, n) => backend.put(`b/${n}`, body("x"))))
  })

  test("of a read, before, between and after its chunks; the file is closed", async () => {
    const root = await temporaryFolder()
    await new FsBackend(root).put("a/b", [new Uint8Array(3 << 20)])
    for (const chunksBefore of [0, 1, 2]) {
      const files = watchFiles()
      const controller = new AbortController()
      const content = await new FsBackend(root, { files }).get("a/b", { signal: controller.signal })
      const iterator = content!.body[Symbol.asyncIterator]()
      for (let n = 0; n < chunksBefore; n++) await iterator.next()
      controller.abort(reason)
      expect(await settled(iterator.next())).toEqual({ error: reason })
      expect(files.count("close")).toBe(1)
    }
    const controller = new AbortController()
    const content = await new FsBackend(root).get("a/b", { signal: controller.signal })
    expect((await read(content)).length).toBe(3 << 20)
    controller.abort(reason)
  })

  test("of a list and a delete in the middle", async () => {
    const root = await temporaryFolder()
    const plain = new FsBackend(root)
    await Promise.all(Array.from({ length: 100 }, (_, n) => plain.put(`a/${n}`, body("x"))))
    const controller = new AbortController()
    const result = await settled(
      (async () => {
        for await (const _ of plain.list("a/", { signal: controller.signal })) controller.abort(reason)
      })(),
    )
    expect(result).toEqual({ error: reason })

    const second = new AbortController()
    const files = watchFiles(
      {
        after: ({ name }) => {
          if (name === "rename") second.abort(reason)
        },
      },
      nodeFiles,
    )
    expect(
      await settled(
        new FsBackend(root, { files }).delete(
          Array.from({ length: 100 }, (_, n) => `a/${n}`),
          { signal: second.signal },
        ),
      ),
    ).toEqual({ error: reason })
    const left = (await listed(plain)).length
    expect(left).toBeGreaterThan(0)
    expect(left).toBeLessThan(100)
    expect(files.count("sync")).toBe(1)
  })
})
