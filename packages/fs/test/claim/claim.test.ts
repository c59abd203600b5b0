import { mkdir, readdir, readFile, rm, stat, symlink, utimes, writeFile } from "node:fs/promises"
import { setTimeout as pause } from "node:timers/promises"
import { expect, onTestFinished, test } from "vitest"
import { FsBackend, type FsBackendOptions } from "../../src/backend.js"
import { Disk, models, seeded } from "../backend/power-cut.js"
import {
  body,
  checkpoint,
  isTemporary,
  keys,
  manifestOf,
  randomPart,
  rejection,
  stateOf,
  textAt,
  tree,
} from "../backend/support.js"
import { errno, watchFiles } from "../backend/watched-files.js"
import { temporaryFolder } from "../folder.js"

async function claimed(root: string, prefix = "", options: FsBackendOptions = {}) {
  const { backend, epoch } = await new FsBackend(root, options).claim({ prefix })
  onTestFinished(() => backend[Symbol.asyncDispose]())
  return { backend: backend as FsBackend, epoch }
}

const hour = 60 * 60 * 1000

/** A claim as another process would have left it; `ageMs` ago it showed life. */
async function planted(root: string, change: Record<string, unknown>, ageMs = 0): Promise<void> {
  const { backend, epoch } = await claimed(root)
  await backend[Symbol.asyncDispose]()
  const own = JSON.parse(await readFile(`${root}/.claims/claim-00000${epoch}.json`, "utf8"))
  const name = `${root}/.claims/claim-00000${epoch + 1}.json`
  await writeFile(name, JSON.stringify({ ...own, epoch: epoch + 1, instance: "another", ...change }))
  const at = new Date(Date.now() - ageMs)
  await utimes(name, at, at)
}

/** The process that started this one: it lives, and is another one. */
async function living(): Promise<Record<string, unknown>> {
  const text = await readFile(`/proc/${process.ppid}/stat`, "utf8")
  return { pid: process.ppid, process_start: text.slice(text.lastIndexOf(")") + 2).split(" ")[19] }
}

const unknown = { pid_namespace: undefined, boot_id: undefined, process_start: undefined }

const holders: [string, () => Record<string, unknown> | Promise<Record<string, unknown>>, "waits" | "at once"][] = [
  ["a process that lives", living, "waits"],
  ["one of another boot or machine", async () => ({ ...(await living()), boot_id: "another" }), "waits"],
  ["one of another container", async () => ({ ...(await living()), pid_namespace: "pid:[1]" }), "waits"],
  ["one of a system that tells nothing", () => ({ ...unknown, pid: 4_000_000 }), "waits"],
  ["our pid, started at another time", () => ({ process_start: "1" }), "at once"],
  ["a pid that nobody has", () => ({ pid: 4_194_305 }), "at once"],
  ["this very process, by another copy of this package", () => ({}), "at once"],
]

test.each(holders)("held by %s", async (_, who, takes) => {
  const root = await temporaryFolder()
  await planted(root, await who())
  if (takes === "waits") {
    const error = await rejection(claimed(root))
    expect(error.kind).toBe("fenced")
    expect(error.message).toMatch(/is claimed \(epoch 2\) by process \d+ on host .* showed life 0\.\d s ago/)
    expect((await tree(root)).filter(isTemporary)).toEqual([])
  } else {
    expect((await claimed(root)).epoch).toBe(3)
  }
  // Silent for long, or stamped by a clock that was set back since.
  for (const ageMs of [hour, -hour]) {
    const silent = await temporaryFolder()
    await planted(silent, await who(), ageMs)
    expect((await claimed(silent)).epoch).toBe(3)
  }
})

test("a holder that waits longer is given its time", async () => {
  const root = await temporaryFolder()
  await planted(root, { ...(await living()), silent_after_ms: 2 * hour }, hour)
  expect((await rejection(claimed(root))).message).toContain("silent for 7200.0 s")
})

test.each([
  ["garbage", (path: string) => writeFile(path, "{")],
  ["null", (path: string) => writeFile(path, "null")],
  ["a symbolic link", (path: string) => symlink("/nowhere", path)],
  ["a folder", (path: string) => mkdir(path)],
])("a claim that is %s counts, and is judged by its age alone", async (_, plant) => {
  const root = await temporaryFolder()
  const { backend } = await claimed(root)
  const path = `${root}/.claims/claim-000002.json`
  await plant(path)
  expect((await rejection(backend.put("a/b", body("x")))).kind).toBe("fenced")
  const error = await rejection(claimed(root))
  expect(error).toMatchObject({ kind: "fenced", message: expect.stringContaining("cannot be read") })
  await rm(path, { recursive: true })
  await writeFile(path, "{")
  await utimes(path, 1, 1)
  expect((await claimed(root)).epoch).toBe(3)
})

test("a symbolic link in place of the claims: nothing is written or claimed, and all is read", async () => {
  const [root, elsewhere] = [await temporaryFolder(), await temporaryFolder()]
  const backend = new FsBackend(root)
  await backend.put("a/b", body("x"))
  await symlink(elsewhere, `${root}/.claims`)
  expect((await rejection(backend.put("a/b", body("y")))).kind).toBe("damaged")
  expect((await backend.delete(["a/b"]))[0]?.error.kind).toBe("damaged")
  expect(["damaged", "permanent"]).toContain((await rejection(backend.claim({ prefix: "" }))).kind)
  expect(await textAt(backend, "a/b")).toBe("x")
  expect(await keys(backend)).toEqual(["a/b"])
  expect(await readdir(elsewhere)).toEqual([])
})

test("the claims removed by hand: their writer stops, since anybody may have claimed; the whole root gone is an outage", async () => {
  const root = `${await temporaryFolder()}/store`
  const { backend } = await claimed(root)
  await backend.put("a/b", body("x"))
  await rm(`${root}/.claims`, { recursive: true })
  expect((await rejection(backend.put("a/b", body("y")))).message).toContain("its folder was removed")
  await new FsBackend(root).put("a/b", body("plain"))
  const { backend: again } = await claimed(root)
  await again.put("a/b", body("z"))
  await rm(root, { recursive: true })
  expect((await rejection(again.put("a/b", body("y")))).message).toContain("is gone")
  expect((await rejection(again.delete(["a/b"]))).message).toContain("is gone")
  await expect(stat(root)).rejects.toMatchObject({ code: "ENOENT" })
})

test("claims are neither listed nor keys, in any case of letters", async () => {
  const root = await temporaryFolder()
  const { backend } = await claimed(root, "a/")
  await backend.put("a/b", body("x"))
  expect([await keys(backend), await keys(backend, "a/"), await keys(backend, "a/.")]).toEqual([["a/b"], ["a/b"], []])
  for (const key of [".claims/x", "a/.claims", "a/.CLAIMS/claim-000001.json"]) {
    expect((await rejection(backend.put(key, body("x")))).message).toContain("keeps its claims")
  }
  expect((await rejection(keys(backend, "a/.claims/"))).kind).toBe("permanent")
  expect(await backend.leftovers({ olderThanMs: -hour, prefix: "" })).toEqual([])
})

test("a claim takes away all that is under way, however young, and only below its prefix", async () => {
  const root = await temporaryFolder()
  const name = "0123456789abcdef"
  const kept = [`b/.tmp-${name}`, `.tmp-${name}`]
  const swept = [`a/.tmp-${name}`, `a/.latest-${name}`, `a/c/d/.tmp-${name}`, `a/.stage-${name}/x/y`]
  for (const file of [...kept, ...swept, "a/c/object"]) {
    await mkdir(`${root}/${file}`.replace(/\/[^/]*$/, ""), { recursive: true })
    await writeFile(`${root}/${file}`, "x")
  }
  await claimed(root, "a/")
  expect((await tree(root)).filter(isTemporary).sort()).toEqual([...kept].sort())
  expect(await keys(new FsBackend(root), "a/")).toContain("a/c/object")
})

test("of many claims at once in one process the last leads; the files of old ones go", async () => {
  const root = await temporaryFolder()
  for (let round = 0; round < 5; round++) {
    const claims = await Promise.allSettled(Array.from({ length: 5 }, () => claimed(root)))
    const won = claims.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []))
    for (const one of claims) if (one.status === "rejected") expect(one.reason).toMatchObject({ kind: "fenced" })
    const last = Math.max(...won.map(({ epoch }) => epoch))
    for (const { backend, epoch } of won) {
      const put = backend.put("a/b", body(String(epoch)))
      if (epoch === last) await put
      else expect((await rejection(put)).kind).toBe("fenced")
    }
    expect(await textAt(new FsBackend(root), "a/b")).toBe(String(last))
  }
  await claimed(root)
  const files = await readdir(`${root}/.claims`)
  expect(files.filter((name) => name.startsWith("claim-"))).toHaveLength(2)
  expect(files.length).toBeLessThan(7)
})

test("claims of folders within each other: the later one leads where both do", async () => {
  const root = await temporaryFolder()
  const inner = await claimed(root, "a/b/")
  const other = await claimed(root, "c/")
  const outer = await claimed(root, "a/")
  await outer.backend.put("a/b/x", body("outer"))
  expect((await rejection(inner.backend.put("a/b/x", body("inner")))).kind).toBe("fenced")
  await other.backend.put("c/x", body("other"))
  const innermost = await claimed(root, "a/b/")
  await innermost.backend.put("a/b/x", body("innermost"))
  expect((await rejection(outer.backend.put("a/b/x", body("outer")))).kind).toBe("fenced")
  const all = await claimed(root)
  for (const key of ["a/b/x", "c/x", "d/x"]) await all.backend.put(key, body("all"))
  for (const { backend } of [innermost, other]) {
    expect((await rejection(backend.delete(["a/b/x", "c/x"]))).kind).toBe("fenced")
  }
})

test.each([
  ["above", "", "a/"],
  ["below", "a/", ""],
])("a claim that is refused for a holder %s leaves that one alone", async (_, held, wanted) => {
  const root = await temporaryFolder()
  const { backend } = await claimed(root, held)
  const path = `${root}/${held}.claims/claim-000001.json`
  const own = JSON.parse(await readFile(path, "utf8"))
  await writeFile(path, JSON.stringify({ ...own, instance: "another", ...(await living()) }))
  expect((await rejection(claimed(root, wanted))).message).toContain("showed life")
  await backend.put("a/x", body("x"))
  expect(await backend.delete(["a/x"])).toEqual([])
})

test("a holder beats for as long as it holds, and its release is seen", async () => {
  const root = await temporaryFolder()
  const { backend } = await claimed(root, "", { silentAfterMs: 50 })
  const beat = `${root}/.claims/beat-000001`
  const first = (await stat(beat)).mtimeMs
  for (const end = Date.now() + 20_000; (await stat(beat)).mtimeMs === first; await pause(2)) {
    expect(Date.now()).toBeLessThan(end)
  }
  await Promise.all([backend[Symbol.asyncDispose](), backend[Symbol.asyncDispose]()])
  expect(await readdir(`${root}/.claims`)).toContain("released-000001")
  const error = await rejection(backend.put("a/b", body("x")))
  expect(error).toMatchObject({ kind: "fenced", message: expect.stringContaining("given up") })
})

test("a claim is durable when it resolves, and its folders too", async () => {
  const base = await temporaryFolder()
  const disk = new Disk(base)
  const { backend } = await claimed(`${base}/store`, "a/", { files: disk.files() })
  await backend[Symbol.asyncDispose]()
  for (const model of models) {
    for (const found of disk.states(model, 400, seeded(1))) {
      expect(found.get("store/a/.claims/claim-000001.json")).toContain('"epoch": 1')
    }
  }
})

test("what cannot be claimed says why: no disk to write on, no whole folder, no sensible time", async () => {
  const root = await temporaryFolder()
  const files = watchFiles({
    before: ({ name }) => {
      if (["mkdir", "link"].includes(name)) throw errno("EROFS")
    },
  })
  expect((await rejection(claimed(root, "", { files }))).kind).toBe("denied")
  for (const prefix of ["a", "../", "a//"]) expect((await rejection(claimed(root, prefix))).kind).toBe("permanent")
  for (const silentAfterMs of [0, 49, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => new FsBackend(root, { silentAfterMs })).toThrow(/give milliseconds from 50/)
  }
  expect(await readdir(root)).toEqual([])
})

test("an aborted claim gives up what it took", async () => {
  const root = await temporaryFolder()
  await new FsBackend(root).commit(checkpoint(1))
  const controller = new AbortController()
  const files = watchFiles({
    after: ({ name, to }) => {
      if (name === "link" && to?.includes("claim-")) controller.abort("enough")
    },
  })
  const claiming = new FsBackend(root, { files }).claim({ prefix: "", signal: controller.signal })
  await expect(claiming).rejects.toBe("enough")
  expect(await readdir(`${root}/.claims`)).toContain("released-000001")
  expect((await tree(root)).filter(isTemporary)).toEqual([])
})

test("on a disk too full for a folder, names are removed in place, after the same look", async () => {
  const root = await temporaryFolder()
  const files = watchFiles({
    before: ({ name }) => {
      if (name === "mkdir") throw errno("ENOSPC")
    },
  })
  const full = new FsBackend(root, { files })
  const plain = new FsBackend(root)
  for (const id of [1, 2]) await plain.commit(checkpoint(id))
  await mkdir(`${root}/checkpoints/.stage-0123456789abcdef`)
  await writeFile(`${root}/checkpoints/.stage-0123456789abcdef/state.bin`, "half")
  expect(await full.leftovers({ olderThanMs: -hour, prefix: "checkpoints/" })).toHaveLength(1)
  expect(await full.delete([manifestOf(1), stateOf(1)])).toEqual([])
  expect((await tree(root)).filter((name) => /000001|stage/.test(name))).toEqual([])
  await claimed(root)
  expect((await rejection(full.delete([manifestOf(2)]))).kind).toBe("fenced")
  expect(
    (await rejection(full.leftovers({ olderThanMs: -hour, prefix: "" }).then(() => full.put("a/b", body("x"))))).kind,
  ).toBe("fenced")
})

test("a claimer that dies before its sweep has shut out whoever wrote before, and the next claim sweeps", async () => {
  const root = await temporaryFolder()
  const plain = new FsBackend(root)
  await plain.commit(checkpoint(1))
  const stage = "checkpoints/.stage-0123456789abcdef"
  await mkdir(`${root}/${stage}`)
  let reached = () => {}
  const dead = new Promise<void>((resolve) => {
    reached = resolve
  })
  let created = false
  const files = watchFiles({
    after: ({ name, to }) => {
      created ||= name === "link" && to?.includes("claim-") === true
    },
    before: () => {
      if (!created) return undefined
      reached()
      return new Promise(() => undefined)
    },
  })
  void new FsBackend(root, { files }).claim({ prefix: "" })
  await dead
  expect(await readdir(`${root}/.claims`)).toContain("claim-000001.json")
  expect(await tree(root)).toContain(`${stage}/`)
  expect((await rejection(plain.commit(checkpoint(2)))).kind).toBe("fenced")
  expect(await textAt(plain, manifestOf(1))).toBe("manifest 1")
  expect((await claimed(root)).epoch).toBe(2)
  expect((await tree(root)).filter(isTemporary)).toEqual([])
})

test("a process that dies while it removes leaves what `leftovers` finds", async () => {
  for (const dies of ["rename", "unlink", "rmdir"]) {
    const root = await temporaryFolder()
    const plain = new FsBackend(root)
    for (const id of [1, 2]) await plain.commit(checkpoint(id))
    let reached = () => {}
    const dead = new Promise<void>((resolve) => {
      reached = resolve
    })
    const files = watchFiles({
      before: ({ name }) => {
        if (name !== dies) return undefined
        reached()
        return new Promise(() => undefined)
      },
    })
    void new FsBackend(root, { files }).delete([manifestOf(1)])
    await dead
    expect(await textAt(plain, manifestOf(1))).toBe(dies === "rename" ? "manifest 1" : undefined)
    const found = await plain.leftovers({ olderThanMs: -hour, prefix: "checkpoints/" })
    expect(found.map(({ name }) => name.replace(randomPart, "-*"))).toEqual(["checkpoints/checkpoint_000001/.stage-*"])
    expect((await tree(root)).filter(isTemporary)).toEqual([])
  }
})

test("without room for a temporary file, a claimer that overtakes is not undone by a lower number", async () => {
  const root = await temporaryFolder()
  await (await claimed(root)).backend[Symbol.asyncDispose]()
  let others = 0
  const files = watchFiles({
    before: async ({ name, path, flags }) => {
      if (name !== "open" || flags !== "wx") return
      if (path.includes("/.tmp-")) throw errno("ENOSPC")
      // So many that the files of the number that is about to be taken are gone again.
      if (path.endsWith("claim-000002.json")) for (; others < 4; others++) await claimed(root)
    },
  })
  const error = await rejection(new FsBackend(root, { files }).claim({ prefix: "" }))
  expect(error).toMatchObject({ kind: "fenced", message: expect.stringContaining("at the same time") })
  expect(others).toBe(4)
  const left = (await readdir(`${root}/.claims`)).filter((name) => name.startsWith("claim-"))
  expect(left.sort()).toEqual(["claim-000004.json", "claim-000005.json"])
  expect((await claimed(root)).epoch).toBe(6)
})

test("an empty claim of another process counts as any other, and is judged by its age alone", async () => {
  const root = await temporaryFolder()
  const file = `${root}/.claims/claim-000001.json`
  await mkdir(`${root}/.claims`)
  await writeFile(file, "")
  expect((await rejection(claimed(root))).message).toContain("an unknown holder")
  const longAgo = new Date(Date.now() - 600_000)
  await utimes(file, longAgo, longAgo)
  expect((await claimed(root)).epoch).toBe(2)
})

test("a claim without room is empty, and this process may claim over its own", async () => {
  const root = await temporaryFolder()
  const files = watchFiles({
    before: ({ name, path }) => {
      if (name === "write" || name === "writev") if (path.includes(".claims")) throw errno("EDQUOT")
    },
  })
  const { backend, epoch } = await claimed(root, "", { files })
  expect(epoch).toBe(1)
  expect((await stat(`${root}/.claims/claim-000001.json`)).size).toBe(0)
  await backend.put("a/b", body("x"))
  expect((await claimed(root)).epoch).toBe(2)
  expect(await rejection(backend.put("a/c", body("x")))).toMatchObject({ kind: "fenced" })
})
