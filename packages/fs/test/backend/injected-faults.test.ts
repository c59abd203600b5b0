import { mkdir } from "node:fs/promises"
import { BackendError } from "@ckpt/core"
import { beforeEach, describe, expect, test } from "vitest"
import { FsBackend } from "../../src/backend.js"
import {
  body,
  checkpoint,
  folderOf,
  forgetProcess,
  isTemporary,
  keys,
  listed,
  manifestOf,
  pointerKey,
  read,
  rejection,
  stateOf,
  stream,
  temporaryFolder,
  textAt,
  tree,
} from "./support.js"
import type { Call } from "./watched-files.js"
import { errno, watchFiles } from "./watched-files.js"

beforeEach(forgetProcess)

const changes = ["mkdir", "rename", "link"]

/** Operations on a root that holds checkpoint 1 and `a/b`; each says what its success and its failure look like. */
const operations: Record<
  string,
  { run(backend: FsBackend): Promise<unknown>; key: string; before: string | undefined; after: string | undefined }
> = {
  create: {
    run: (backend) => backend.put(stateOf(2), stream("new"), { when: "absent" }),
    key: stateOf(2),
    before: undefined,
    after: "new",
  },
  replace: { run: (backend) => backend.put("a/b", body("new")), key: "a/b", before: "old", after: "new" },
  update: {
    run: async (backend) =>
      backend.put("a/b", body("new"), {
        when: { version: (await new FsBackend(rootOf(backend)).head("a/b"))!.version },
      }),
    key: "a/b",
    before: "old",
    after: "new",
  },
  commit: { run: (backend) => backend.commit(checkpoint(2)), key: stateOf(2), before: undefined, after: "state 2" },
  delete: {
    run: async (backend) => {
      const [failure] = await backend.delete(["a/b"])
      if (failure !== undefined) throw failure.error
    },
    key: "a/b",
    before: "old",
    after: undefined,
  },
}

const roots = new WeakMap<FsBackend, string>()
const rootOf = (backend: FsBackend): string => roots.get(backend)!

async function prepared(first: boolean): Promise<string> {
  const folder = await temporaryFolder()
  const root = first ? `${folder}/deep/store` : folder
  if (first) return root
  const plain = new FsBackend(root)
  await plain.commit(checkpoint(1))
  await plain.put("a/b", body("old"))
  return root
}

describe.each(["EIO", "ENOSPC", "EMFILE", "EACCES"])("%s at every single call", (code) => {
  test.each(
    Object.keys(operations).flatMap((name) => [
      [name, false] as const,
      ...(name === "create" || name === "commit" ? [[name, true] as const] : []),
    ]),
  )("of a %s (first write: %s): done and durable, or rejected and without a trace", async (name, first) => {
    const { run, key, before, after } = operations[name]!
    const outcomes = { done: 0, rejected: 0, ambiguous: 0 }
    for (let at = 0; ; at++) {
      forgetProcess()
      const root = await prepared(first)
      let hit: Call | undefined
      const unsynced = new Set<string>()
      const files = watchFiles({
        before: (call) => {
          if (call.index !== at) return
          hit = call
          throw errno(code)
        },
        after: (call) => {
          if (changes.includes(call.name)) unsynced.add((call.to ?? call.path).replace(/\/[^/]*$/, ""))
          if (call.name === "sync") unsynced.delete(call.path)
        },
      })
      const backend = new FsBackend(root, { files })
      roots.set(backend, root)
      const error = await run(backend).then(
        () => undefined,
        (reason: unknown) => reason,
      )
      if (hit === undefined) {
        expect(error).toBeUndefined()
        break
      }
      const where = `${code} at call ${at}, ${hit.name} ${hit.path}`
      const plain = new FsBackend(root)
      const found = await textAt(plain, key)
      if (error === undefined) {
        outcomes.done++
        expect(found, where).toBe(after)
        expect(
          [...unsynced].filter((path) => !/\.stage-/.test(path)),
          where,
        ).toEqual([])
      } else {
        expect(error, where).toBeInstanceOf(BackendError)
        const { kind, unsettleable } = error as BackendError
        if (kind === "ambiguous") {
          outcomes.ambiguous++
          expect(unsettleable || hit.name === "rename", where).toBe(true)
          expect([before, after], where).toContain(found)
          if (name !== "delete" && unsettleable && name !== "replace" && name !== "update") {
            // No false success afterwards: the sync that failed is not asked again.
            const again = await rejection(plain.put(key, body("again"), { when: "absent" }))
            expect(again, where).toMatchObject({ kind: "ambiguous", unsettleable: true })
          }
        } else {
          outcomes.rejected++
          expect(kind, where).toBe({ EMFILE: "transient", EACCES: "denied" }[code] ?? "permanent")
          expect(found, where).toBe(name === "delete" && (hit.name === "sync" || hit.name === "open") ? after : before)
        }
        expect((error as Error).message, where).toContain(code)
      }
      // What an unlink or rmdir could not remove is for `leftovers`; nothing else may stay.
      if (!first || (await mkdirred(root))) {
        const temporary = (await tree(root)).filter(isTemporary)
        if (hit.name !== "unlink" && hit.name !== "rmdir") expect(temporary, where).toEqual([])
        expect((await plain.leftovers({ olderThanMs: -1000, prefix: "" })).length, where).toBeLessThanOrEqual(1)
        expect((await tree(root)).filter(isTemporary), where).toEqual([])
        expect(
          (await keys(plain)).filter(
            (shown) =>
              ![key, "a/b", pointerKey, manifestOf(1), stateOf(1), manifestOf(2)].includes(shown) &&
              !shown.endsWith("/"),
          ),
          where,
        ).toEqual([])
      }
      // All handles that were opened are closed.
      expect(files.held(), where).toBe(0)
    }
    expect(outcomes.rejected).toBeGreaterThan(3)
    if (code === "EIO") expect(outcomes.ambiguous).toBeGreaterThan(0)
  })
})

async function mkdirred(root: string): Promise<boolean> {
  return tree(root).then(
    () => true,
    () => false,
  )
}

describe("reads", () => {
  test.each(["EIO", "EACCES", "EMFILE", "ENOTDIR"])(
    "%s at every call of get, head, list, leftovers is a failure, never `nothing there`",
    async (code) => {
      const root = await prepared(false)
      for (const run of [
        async (backend: FsBackend) => read((await backend.get(stateOf(1))) ?? expect.fail("absent")),
        async (backend: FsBackend) => (await backend.head(stateOf(1))) ?? expect.fail("absent"),
        async (backend: FsBackend) => expect(await listed(backend)).toHaveLength(4),
        async (backend: FsBackend) => backend.leftovers({ olderThanMs: 0, prefix: "" }),
      ]) {
        for (let at = 0; ; at++) {
          let hit: Call | undefined
          const files = watchFiles({
            before: (call) => {
              if (call.index === at) {
                hit = call
                throw errno(code)
              }
            },
          })
          const error = await run(new FsBackend(root, { files })).then(
            () => undefined,
            (reason: unknown) => reason,
          )
          if (hit === undefined) break
          // A close of what was only read takes nothing back; below the root, ENOTDIR is an absence like ENOENT.
          if (hit.name === "close" || (code === "ENOTDIR" && ["lstat", "open", "readdir"].includes(hit.name))) continue
          expect(error, `${code} at ${hit.name} ${hit.path}`).toBeInstanceOf(BackendError)
          expect(files.held()).toBe(0)
        }
      }
    },
  )

  test("a file that yields fewer bytes than it has is transient, not a short success", async () => {
    const root = await prepared(false)
    await new FsBackend(root).put("a/big", [new Uint8Array(3 << 20)])
    const files = watchFiles()
    const { open } = files
    files.open = async (path, flags, mode) => {
      const handle = await open(path, flags, mode)
      return {
        ...handle,
        read: async (buffer, offset, length, position) =>
          position >= 1 << 20 ? { bytesRead: 0 } : handle.read(buffer, offset, length, position),
      }
    }
    const error = await rejection(read(await new FsBackend(root, { files }).get("a/big")))
    expect(error.kind).toBe("transient")
    expect(files.count("close")).toBe(1)
  })
})

describe("a failed sync", () => {
  test("of a new file is never repeated on that file", async () => {
    const root = await prepared(false)
    const failed = new Set<number>()
    const files = watchFiles({
      before: ({ name, file, path }) => {
        if (name !== "sync" || !/\.tmp-|\.stage-|\.latest-/.test(path)) return
        expect(failed.has(file!)).toBe(false)
        failed.add(file!)
        throw errno("EIO")
      },
    })
    const backend = new FsBackend(root, { files })
    for (let n = 0; n < 3; n++) {
      expect((await rejection(backend.commit(checkpoint(2)))).kind).toBe("permanent")
      expect((await rejection(backend.put("a/b", body("x")))).kind).toBe("permanent")
    }
    expect(failed.size).toBe(15)
  })

  test("of the directory after a commit: that id is in doubt until the process ends, other ids and the pointer are not", async () => {
    const root = await prepared(false)
    let failing = true
    const files = watchFiles({
      before: ({ name, path }) => {
        if (failing && name === "sync" && path.endsWith("/checkpoints") && files.count("rename") > 0) throw errno("EIO")
      },
    })
    const backend = new FsBackend(root, { files })
    expect(await rejection(backend.commit(checkpoint(2)))).toMatchObject({ kind: "ambiguous", unsettleable: true })
    failing = false
    for (const other of [backend, new FsBackend(root)]) {
      expect(await rejection(other.commit(checkpoint(2)))).toMatchObject({ kind: "ambiguous", unsettleable: true })
      expect(await rejection(other.put(stateOf(2), body("x"), { when: "absent" }))).toMatchObject({
        kind: "ambiguous",
        unsettleable: true,
      })
      expect(await rejection(other.put(manifestOf(2), body("x")))).toMatchObject({
        kind: "ambiguous",
        unsettleable: true,
      })
    }
    await backend.commit(checkpoint(3))
    expect(await textAt(backend, pointerKey)).toBe(folderOf(3))
    // Reading what is there is no promise.
    expect(await textAt(backend, manifestOf(2))).toBe("manifest 2")
  })

  test("of a replacement: the next one that is synced ends the doubt", async () => {
    const root = await prepared(false)
    let failing = true
    const files = watchFiles({
      before: ({ name, path }) => {
        if (failing && name === "sync" && path.endsWith("/a") && files.count("rename") > 0) throw errno("EIO")
      },
    })
    const backend = new FsBackend(root, { files })
    expect(await rejection(backend.put("a/b", body("new")))).toMatchObject({ kind: "ambiguous", unsettleable: true })
    failing = false
    expect(await rejection(backend.put("a/b", body("x"), { when: "absent" }))).toMatchObject({
      kind: "ambiguous",
      unsettleable: true,
    })
    await backend.put("a/b", body("newer"))
    expect(await rejection(backend.put("a/b", body("x"), { when: "absent" }))).toMatchObject({ kind: "precondition" })
  })

  test("of a new directory's entry: it is removed again, and the next attempt starts afresh", async () => {
    const root = `${await temporaryFolder()}/x/store`
    let failing = true
    const files = watchFiles({
      before: ({ name, path }) => {
        if (failing && name === "sync" && path === root) throw errno("EIO")
      },
    })
    const backend = new FsBackend(root, { files })
    expect((await rejection(backend.commit(checkpoint(1)))).kind).toBe("permanent")
    expect(await tree(root)).toEqual([])
    failing = false
    expect(await backend.commit(checkpoint(1))).toHaveLength(2)
  })

  test("of an entry that was there already: nothing below it can be confirmed any more by this process", async () => {
    const root = await temporaryFolder()
    await mkdir(`${root}/checkpoints`)
    let failing = true
    const files = watchFiles({
      before: ({ name, path }) => {
        if (failing && name === "sync" && path === root) throw errno("EIO")
      },
    })
    expect((await rejection(new FsBackend(root, { files }).commit(checkpoint(1)))).kind).toBe("permanent")
    failing = false
    expect(await rejection(new FsBackend(root, { files }).commit(checkpoint(1)))).toMatchObject({
      kind: "ambiguous",
      unsettleable: true,
    })
    forgetProcess()
    expect(await new FsBackend(root, { files }).commit(checkpoint(1))).toHaveLength(2)
  })
})

describe("short writes", () => {
  test.each([1, 5, 4096])("of %i bytes at a time lose nothing", async (takes) => {
    const backend = new FsBackend(await temporaryFolder(), { files: watchFiles({ takes: () => takes }) })
    const parts = Array.from({ length: takes === 4096 ? 300 : 9 }, (_, n) => new Uint8Array(n * 7).fill(n))
    const whole = Buffer.concat(parts)
    await backend.put("a/array", parts)
    await backend.put("a/stream", stream(...parts))
    await backend.commit({
      create: [{ key: manifestOf(1), body: parts }],
      pointer: { key: pointerKey, decide: () => whole.subarray(0, 50) },
    })
    for (const key of ["a/array", "a/stream", manifestOf(1)])
      expect((await read(await backend.get(key))).equals(whole)).toBe(true)
    expect((await read(await backend.get(pointerKey))).equals(whole.subarray(0, 50))).toBe(true)
  })

  test("of nothing, again and again, are a failure, not an endless loop", async () => {
    const root = await temporaryFolder()
    const backend = new FsBackend(root, { files: watchFiles({ takes: () => 0 }) })
    expect((await rejection(backend.put("a/b", body("x")))).kind).toBe("permanent")
    expect(await tree(root)).toEqual(["a/"])
  })
})

describe("a link whose acknowledgement was lost", () => {
  test("EEXIST for our own link (NFS) is a success", async () => {
    const root = await temporaryFolder()
    const files = watchFiles({
      after: ({ name }) => {
        if (name === "link") throw errno("EEXIST")
      },
    })
    await new FsBackend(root, { files }).put("a/b", body("ours"), { when: "absent" })
    expect(await textAt(new FsBackend(root), "a/b")).toBe("ours")
    expect(await tree(root)).toEqual(["a/", "a/b"])
  })

  test("EIO after the fact is ambiguous", async () => {
    const root = await temporaryFolder()
    const files = watchFiles({
      after: ({ name }) => {
        if (name === "link") throw errno("EIO")
      },
    })
    expect(await rejection(new FsBackend(root, { files }).put("a/b", body("ours"), { when: "absent" }))).toMatchObject({
      kind: "ambiguous",
      unsettleable: true,
    })
    expect(await tree(root)).toEqual(["a/", "a/b"])
  })
})
