import { mkdir, readdir, stat, utimes, writeFile } from "node:fs/promises"
import { createManifest } from "@ckpt/core"
import { afterEach, describe, expect, test, vi } from "vitest"
import { FsBackend } from "../../src/backend.js"
import type { FileApi } from "../../src/files/file-api.js"
import { nodeFiles } from "../../src/files/file-api.js"
import { openFsStore } from "../../src/index.js"
import { body, checkpoint, listed, manifestOf, stateOf, tree } from "../backend/support.js"
import { errno, watchFiles } from "../backend/watched-files.js"
import { temporaryFolder } from "../folder.js"

const hour = 3_600_000
const tenYears = 10 * 365 * 24 * hour

afterEach(() => void vi.useRealTimers())

/** The clock of this process, and of nothing else. */
function processIsAhead(ms: number): void {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + ms })
}

/** A filesystem whose clock shows `time(now)`, where files are told when they were written. */
function filesystemClock(time: (ns: bigint) => bigint): FileApi {
  return {
    ...nodeFiles,
    async open(path, flags, mode) {
      const file = await nodeFiles.open(path, flags, mode)
      const stamped = { is: false }
      return new Proxy(file, {
        get(target, name) {
          if (name === "utimes") {
            return (atime: number, mtime: number) => {
              stamped.is = true
              return target.utimes(atime, mtime)
            }
          }
          if (name === "stat") {
            return async (options: { bigint: true }) => {
              const info = await target.stat(options)
              if (!stamped.is) {
                info.mtimeNs = time(info.mtimeNs)
                info.mtimeMs = info.mtimeNs / 1_000_000n
                info.mtime = new Date(Number(info.mtimeMs))
              }
              return info
            }
          }
          const value: unknown = Reflect.get(target, name)
          return typeof value === "function" ? value.bind(target) : value
        },
      })
    },
  }
}

const ms = (count: number): bigint => BigInt(count) * 1_000_000n

describe.each([
  ["two hours ahead", 2 * hour],
  ["two hours behind", -2 * hour],
  ["ten years ahead", tenYears],
])("a process whose clock is %s", (_, skew) => {
  test("is told the time of the filesystem", async () => {
    const backend = new FsBackend(await temporaryFolder())
    await backend.put("a/b", body("x"))
    const real = Date.now()
    processIsAhead(skew)
    for (const prefix of [undefined, "a/"]) {
      expect(Math.abs((await backend.now({ prefix })).getTime() - real)).toBeLessThan(hour)
    }
  })

  test("prunes nothing by withinMs that was written a moment ago, and writes what others do not prune", async () => {
    const root = await temporaryFolder()
    for (const layout of ["directory", "objects"] as const) {
      const prefix = `${layout}/`
      const store = await openFsStore(root, { layout, prefix })
      for (const checkpointId of [1, 2]) await store.save(createManifest({ checkpointId, epoch: 1 }))
      processIsAhead(skew)
      for (const checkpointId of [3, 4]) await store.save(createManifest({ checkpointId, epoch: 1 }))
      expect((await store.prune({ withinMs: hour })).removed).toEqual([])
      vi.useRealTimers()
      expect((await store.prune({ withinMs: hour })).removed).toEqual([])
      for await (const { lastModified } of store.list()) {
        expect(Math.abs(Date.now() - lastModified.getTime())).toBeLessThan(hour)
      }
      await store.close()
    }
  })

  test("leaves alone what another writer began a moment ago", async () => {
    const root = await temporaryFolder()
    const backend = new FsBackend(root)
    await backend.commit(checkpoint(1))
    const stage = `${root}/checkpoints/.stage-0000000000000001`
    await mkdir(stage)
    await writeFile(`${stage}/state.bin`, "x")
    processIsAhead(skew)
    expect(await backend.leftovers({ olderThanMs: hour, prefix: "" })).toEqual([])
    const old = new Date(Date.now() - skew - 2 * hour)
    await utimes(`${stage}/state.bin`, old, old)
    await utimes(stage, old, old)
    expect(await backend.leftovers({ olderThanMs: hour, prefix: "" })).toHaveLength(1)
  })
})

test("a clock that was ten years ahead for a moment stamps the files of that moment alone", async () => {
  const root = await temporaryFolder()
  let ahead = 0n
  const backend = new FsBackend(root, { files: filesystemClock((ns) => ns + ahead) })
  const before = Date.now()
  await backend.put("a/1", body("before"))
  ahead = ms(tenYears)
  await backend.put("a/2", body("during"))
  ahead = 0n
  await backend.put("a/3", body("after"))
  await backend.commit(checkpoint(1))
  const age = async (key: string) => (await stat(`${root}/${key}`)).mtimeMs - before
  for (const key of ["a/1", "a/3", stateOf(1), manifestOf(1)]) expect(Math.abs(await age(key))).toBeLessThan(hour)
  expect(await age("a/2")).toBeGreaterThan(tenYears - hour)
})

test("no version comes twice while the clock stands still, or goes back and forth, whatever the inode", async () => {
  const root = await temporaryFolder()
  const still = BigInt(Date.now()) * 1_000_000n
  let n = 0n
  const clocks = [(_: bigint) => still, (_: bigint) => still + ms(10 * (Number(n++) % 3))]
  const versions = new Set<string>()
  for (const clock of clocks) {
    const backend = new FsBackend(root, { files: filesystemClock(clock) })
    for (let round = 0; round < 300; round++) versions.add((await backend.put("a/b", body("same size"))).version)
  }
  expect(versions.size).toBe(600)
  expect(new Set([...versions].map((version) => version.split("-")[0])).size).toBeLessThan(600)
})

test("no stamp is ahead of the clock that it comes from", async () => {
  const backend = new FsBackend(await temporaryFolder())
  for (let round = 0; round < 50; round++) {
    const { lastModified } = await backend.put(`a/${round}`, body("x"))
    expect(lastModified.getTime()).toBeLessThanOrEqual((await backend.now({ prefix: "a/" })).getTime())
  }
})

describe("ages that tell of a wrong clock are not acted upon", () => {
  test("of checkpoints, while the filesystem's clock is ten years ahead, or if they come from the future or from 1970", async () => {
    const root = await temporaryFolder()
    let ahead = 0n
    const store = await openFsStore(root, { files: filesystemClock((ns) => ns + ahead) })
    for (const checkpointId of [1, 2, 3, 4]) await store.save(createManifest({ checkpointId, epoch: 1 }))
    ahead = ms(tenYears)
    expect((await store.prune({ withinMs: hour })).removed).toEqual([])
    ahead = 0n
    await utimes(`${root}/${manifestOf(1)}`, 0, 0)
    await utimes(`${root}/${manifestOf(2)}`, Date.now() / 1000 + 7200, Date.now() / 1000 + 7200)
    await utimes(`${root}/${manifestOf(3)}`, Date.now() / 1000 - 7200, Date.now() / 1000 - 7200)
    expect((await store.prune({ withinMs: hour })).removed).toEqual([3])
    await store.close()
  })

  test("of leftovers", async () => {
    const root = await temporaryFolder()
    const backend = new FsBackend(root)
    await backend.commit(checkpoint(1))
    const seconds = Date.now() / 1000
    for (const [digit, time] of [
      ["1", 0],
      ["2", seconds + 7200],
      ["3", seconds - 7200],
    ] as const) {
      const path = `${root}/checkpoints/.latest-000000000000000${digit}`
      await writeFile(path, "x")
      await utimes(path, time, time)
    }
    const found = await backend.leftovers({ olderThanMs: hour, prefix: "" })
    expect(found.map(({ name }) => name)).toEqual(["checkpoints/.latest-0000000000000003"])
  })
})

describe("asking the time", () => {
  test("leaves nothing behind, and makes nothing where nothing is, or by a store that only reads", async () => {
    const root = await temporaryFolder()
    const backend = new FsBackend(root)
    await backend.put("a/b", body("x"))
    const before = await tree(root)
    for (const prefix of ["", "a/", "none/"]) await backend.now({ prefix })
    await new FsBackend(`${root}/none`).now()
    expect(await tree(root)).toEqual(before)
    const files = watchFiles()
    await new FsBackend(root, { files, readOnly: true }).now({ prefix: "a/" })
    expect(files.count("open")).toBe(0)
  })

  test.each(["ENOSPC", "EDQUOT", "EROFS", "EACCES"])(
    "where %s forbids a file: the last change of the folder",
    async (code) => {
      const root = await temporaryFolder()
      await new FsBackend(root).commit(checkpoint(1))
      const changed = (await stat(`${root}/checkpoints`)).mtimeMs
      const files = watchFiles({
        before({ name, flags }) {
          if (name === "open" && flags === "wx") throw errno(code)
        },
      })
      processIsAhead(2 * hour)
      const now = await new FsBackend(root, { files }).now({ prefix: "checkpoints/" })
      expect(now.getTime()).toBe(Math.floor(changed))
    },
  )

  test("a failure of the disk is a failure", async () => {
    const root = await temporaryFolder()
    await new FsBackend(root).commit(checkpoint(1))
    const files = watchFiles({
      before({ name }) {
        if (name === "fstat") throw errno("EIO")
      },
    })
    await expect(new FsBackend(root, { files }).now({ prefix: "checkpoints/" })).rejects.toThrow("EIO")
    expect((await readdir(`${root}/checkpoints`)).sort()).toEqual(["checkpoint_000001", "latest.txt"])
    expect(await listed(new FsBackend(root))).toHaveLength(3)
  })
})
