import { BackendError } from "@ckpt/core"
import { beforeEach, describe, expect, test } from "vitest"
import { FsBackend } from "../../src/backend.js"
import { temporaryFolder } from "../folder.js"
import {
  body,
  checkpoint,
  forgetProcess,
  isTemporary,
  keys,
  listed,
  manifestOf,
  pointerKey,
  preparedRoot,
  read,
  rejection,
  stateOf,
  stream,
  textAt,
  tree,
} from "./support.js"
import { type Call, errno, watchFiles } from "./watched-files.js"

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
      const root = first ? `${await temporaryFolder()}/deep/store` : await preparedRoot()
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
          // Of what lies in the root itself, only the spare may be lost.
          [...unsynced].filter((path) => !/\.stage-/.test(path) && (name !== "update" || path !== root)),
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
          expect(kind, where).toBe(
            { EMFILE: "transient", EACCES: "denied", ENOSPC: "full", EDQUOT: "full" }[code] ?? "permanent",
          )
          expect(found, where).toBe(name === "delete" && (hit.name === "sync" || hit.name === "open") ? after : before)
        }
        expect((error as Error).message, where).toContain(code)
      }
      if (!first || (await isThere(root))) await expectNoTrace(root, key, hit, where)
      // All handles that were opened are closed.
      expect(files.held(), where).toBe(0)
    }
    expect(outcomes.rejected).toBeGreaterThan(3)
    if (code === "EIO") expect(outcomes.ambiguous).toBeGreaterThan(0)
  })
})

/** Whatever an unlink or rmdir could not remove is for `leftovers`; nothing else may stay. */
async function expectNoTrace(root: string, key: string, hit: Call, where: string): Promise<void> {
  const plain = new FsBackend(root)
  const temporary = (await tree(root)).filter(isTemporary)
  if (hit.name !== "unlink" && hit.name !== "rmdir") expect(temporary, where).toEqual([])
  expect((await plain.leftovers({ olderThanMs: -1000, prefix: "" })).length, where).toBeLessThanOrEqual(1)
  expect((await tree(root)).filter(isTemporary), where).toEqual([])
  expect(
    (await keys(plain)).filter(
      (shown) =>
        ![key, "a/b", pointerKey, manifestOf(1), stateOf(1), manifestOf(2)].includes(shown) && !shown.endsWith("/"),
    ),
    where,
  ).toEqual([])
}

async function isThere(root: string): Promise<boolean> {
  return tree(root).then(
    () => true,
    () => false,
  )
}

describe("reads", () => {
  test.each(["EIO", "EACCES", "EMFILE", "ENOTDIR"])(
    "%s at every call of get, head, list, leftovers is a failure, never `nothing there`",
    async (code) => {
      const root = await preparedRoot()
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
    const root = await preparedRoot()
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
