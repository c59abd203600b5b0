import { mkdir, readdir, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Worker } from "node:worker_threads"
import {
  type FileApi,
  FsBackend,
  type FsStoreOptions,
  openCheckpointStore,
  openFsStore,
  type StoreEvent,
  type StoreOperations,
} from "@ckpt/fs"
import { describe, expect, onTestFinished, test } from "vitest"
import { errno, watchFiles } from "../backend/watched-files.js"
import { temporaryFolder } from "../folder.js"
import { type Child, start, tell, wasKilled } from "./support.js"
import { manifestOf } from "./workload.mjs"

function second(root: string, options: FsStoreOptions = {}): Child {
  const child = start("second.mjs", [root, JSON.stringify(options)])
  onTestFinished(() => void child.process.kill("SIGKILL"))
  return child
}

async function killed(child: Child): Promise<void> {
  child.process.kill("SIGKILL")
  expect(wasKilled(await child.ended)).toBe(true)
}

async function open(root: string, options: FsStoreOptions = {}) {
  const events: StoreEvent[] = []
  const store = await openFsStore(root, { ...options, onEvent: (event) => void events.push(event) })
  onTestFinished(() => store.close())
  const told = () => events.filter(({ type }) => type === "second-writer" || type === "foreign-key")
  return { store, told }
}

async function signs(root: string): Promise<string[]> {
  const names = await readdir(root, { recursive: true }).catch(() => [])
  return names.filter((name) => /(^|\/)\.writer-/.test(name)).sort()
}

const save = (store: StoreOperations, id: number) => store.save(manifestOf(id))

describe.each(["directory", "objects"] as const)("in the layout %s", (layout) => {
  const own = (root: string) => join(root, "checkpoints")

  test.each(["save 3", "writeState 3", "update 1", "remove 1", "pin 1", "unpin", "prune", "collect"])(
    "a second process that lives is told before its first change, %s, once; refused, it changes nothing",
    async (change) => {
      const root = await temporaryFolder()
      const { store, told } = await open(root, { layout })
      for (const id of [1, 2]) await save(store, id)
      expect(await signs(root)).toHaveLength(1)
      const before = (await readdir(root, { recursive: true })).sort()

      const refused = second(root, { layout, secondWriter: "refuse" })
      for (let again = 0; again < 2; again++) {
        const answer = await tell(refused, change)
        expect(answer).toMatch(/^refused CKPT_FENCED /)
        expect(answer).toContain(`process ${process.pid} has been writing to ${own(root)} since 2`)
        expect(answer).toContain("claim()")
      }
      expect(await tell(refused, "recover")).toBe("done")
      expect((await readdir(root, { recursive: true })).sort()).toEqual(before)

      const warned = second(root, { layout })
      expect(await tell(warned, "recover")).toBe("done")
      expect(await signs(root)).toHaveLength(1)
      expect(await tell(warned, change)).toBe(`done; event ${process.pid} ${own(root)}; warning CKPT_SECOND_WRITER`)
      expect(await tell(warned, "save 9")).toBe("done")
      expect(await signs(root)).toHaveLength(2)
      await killed(warned)
      await store.close()
      expect(told()).toEqual([])

      // Nobody else writes any more.
      expect(await tell(refused, "save 10")).toBe("done")
      expect(await tell(refused, "close")).toBe("done")
      expect(await signs(root)).toEqual([])
    },
  )

  test("a process that was killed is nobody: its sign goes with the next writer, or the next retention", async () => {
    const root = await temporaryFolder()
    const { store, told } = await open(root, { layout, secondWriter: "refuse", retain: { last: 3 } })
    const first = second(root, { layout })
    expect(await tell(first, "save 1")).toBe("done")
    await killed(first)
    expect(await signs(root)).toHaveLength(1)
    await save(store, 2)
    expect(await signs(root)).toHaveLength(1)
    const later = second(root, { layout })
    expect(await tell(later, "save 3")).toMatch(/^done; event/)
    await killed(later)
    expect(await signs(root)).toHaveLength(2)
    await save(store, 4)
    expect(await store.ids()).toEqual([2, 3, 4])
    expect(await signs(root)).toHaveLength(1)
    await store.close()
    expect([await signs(root), told()]).toEqual([[], []])
  })

  test("who is told by the name: a pid that was given out again has ended, another boot is unknown, a folder is not ours", async () => {
    const root = await temporaryFolder()
    const { store, told } = await open(root, { layout, secondWriter: "refuse" })
    await save(store, 1)
    const [mine = ""] = await signs(root)
    const [, hex, pid, startTime, domain = ""] = /-([0-9a-f]{16})_(\d+)_(\d+)_([0-9a-f]{16})$/.exec(mine) ?? []
    expect(pid).toBe(String(process.pid))
    const name = (...parts: unknown[]) => join(own(root), `.writer-${parts.join("_")}`)
    await writeFile(name(hex?.replace(/./, "0"), process.ppid, 1, domain), "")
    const otherBoot = name(hex?.replace(/./, "1"), process.ppid, startTime, [...domain].reverse().join(""))
    await writeFile(otherBoot, "")
    await mkdir(name(hex?.replace(/./, "2"), process.ppid, 1, domain))
    await writeFile(name("0123456789abcdef"), "")
    const { store: other } = await open(root, { layout, secondWriter: "refuse" })
    await save(other, 2)
    expect(told()).toEqual([])
    const left = await signs(root)
    expect(left).toHaveLength(4)
    expect(left).toContain(otherBoot.slice(root.length + 1))
    // Of those of which nobody knows, age decides.
    expect((await store.collectOrphans()).removed).toHaveLength(1)
    expect((await store.collectOrphans({ olderThanMs: 0 })).removed).toHaveLength(2)
    expect(await signs(root)).toEqual([mine])
  })

  test("two stores of one process are one writer, with one sign, which goes with the last of them", async () => {
    const root = await temporaryFolder()
    const options = { layout, secondWriter: "refuse" } as const
    const [one, two] = [await open(root, options), await open(root, options)]
    await Promise.all([save(one.store, 1), save(two.store, 2)])
    expect(await signs(root)).toHaveLength(1)
    await one.store.close()
    expect(await signs(root)).toHaveLength(1)
    await save(two.store, 3)
    await two.store.close()
    expect(await signs(root)).toEqual([])
    expect([...one.told(), ...two.told()]).toEqual([])
  })

  test("nothing is written by opening and reading, nor where there is nothing to change", async () => {
    const base = await temporaryFolder()
    const root = `${base}/store`
    const { store } = await open(root, { layout })
    for (const read of [() => store.recover(), () => store.ids(), () => store.nextId(), () => store.pins()])
      await read()
    expect([await store.remove(1), await store.unpin("none")]).toEqual([false, false])
    await expect(store.update(1, (current) => current)).rejects.toMatchObject({ code: "CKPT_NOT_FOUND" })
    expect((await store.collectOrphans()).removed).toEqual([])
    expect(await readdir(base)).toEqual([])
    await save(store, 1)
    expect(await signs(root)).toHaveLength(1)
    const { store: reader } = await open(root, { layout, readOnly: true, secondWriter: "refuse" })
    expect((await reader.recover()).checkpoint?.id).toBe(1)
    expect((await reader.verify(1)).valid).toBe(true)
    expect((await store.prune({ last: 1 }, { dryRun: true })).removed).toEqual([])
    expect(await signs(root)).toHaveLength(1)
  })

  test("a save after the first makes the same file calls as without signs", async () => {
    const callsOf = async (withSign: boolean) => {
      const root = await temporaryFolder()
      const files = watchFiles()
      const backend = new FsBackend(root, { files })
      if (!withSign) Object.assign(backend, { announce: undefined })
      const store = await openCheckpointStore({ backend, layout, ownsBackend: true })
      onTestFinished(() => store.close())
      const counts: Record<string, number>[] = []
      for (let id = 1; id <= 4; id++) {
        files.calls.length = 0
        await save(store, id)
        await store.update(id, (current) => ({ ...current, watermark: BigInt(id) }))
        const names = new Set(files.calls.map(({ name }) => name))
        counts.push(Object.fromEntries([...names].sort().map((name) => [name, files.count(name)])))
      }
      return { counts, signs: await signs(root) }
    }
    const [withSign, without] = [await callsOf(true), await callsOf(false)]
    expect([withSign.signs.length, without.signs.length]).toEqual([1, 0])
    expect(withSign.counts.slice(1)).toEqual(without.counts.slice(1))
    // The first one: the file, its close, and the look who else there is.
    const extra = Object.entries(withSign.counts[0] ?? {}).map(([name, n]) => [
      name,
      n - (without.counts[0]?.[name] ?? 0),
    ])
    expect(Object.fromEntries(extra)).toMatchObject({ open: 1, close: 1, readdir: 1, sync: 0, link: 0, rename: 0 })
  })

  test.each(["ENOSPC", "EDQUOT", "EROFS", "EACCES", "EIO"])(
    "the sign is advice: %s of its file fails no save, and who else writes is told all the same",
    async (code) => {
      const root = await temporaryFolder()
      const first = second(root, { layout })
      expect(await tell(first, "save 1")).toBe("done")
      const files = watchFiles({
        before: ({ name, path }) => {
          if (name === "open" && path.includes("/.writer-")) throw errno(code)
        },
      })
      const { store, told } = await open(root, { layout, files })
      await save(store, 2)
      expect(told()).toMatchObject([{ type: "second-writer", pid: first.process.pid, where: own(root) }])
      expect(await signs(root)).toHaveLength(1)
    },
  )

  test.each(["EIO", "EMFILE", "ESTALE", "EACCES"])("nor does %s of the look who else writes", async (code) => {
    const root = await temporaryFolder()
    await mkdir(own(root))
    let failed = 0
    const isSign = (path: string) => path === own(root)
    const files: FileApi = watchFiles({
      before: ({ name, path }) => {
        // The first listing of the folder is that of the check before the first write.
        if (name !== "readdir" || !isSign(path) || !signMade) return
        failed++
        throw errno(code)
      },
      after: ({ name, path }) => {
        if (name === "open" && path.includes("/.writer-")) signMade = true
      },
    })
    let signMade = false
    const { store } = await open(root, { layout, files, retry: { minDelayMs: 0, maxDelayMs: 0 } })
    await save(store, 1)
    expect(failed).toBeGreaterThan(0)
    expect((await (await open(root, { layout })).store.recover()).checkpoint?.id).toBe(1)
  })

  test("other prefixes, and roots inside and around this one, are other stores", async () => {
    const root = await temporaryFolder()
    for (const [path, prefix] of [
      [root, ""],
      [root, "team/"],
      [root, "team/job/"],
      [join(root, "checkpoints"), ""],
    ] as const) {
      expect(await tell(second(path, { layout, prefix, secondWriter: "refuse" }), "save 1")).toBe("done")
    }
    expect(await signs(root)).toHaveLength(4)
    // The folder of a prefix is one store, whatever root leads to it.
    expect(await tell(second(join(root, "team"), { layout }), "save 2")).toMatch(
      /^done; event \d+ .*\/team\/checkpoints;/,
    )
    const store = second(root, { layout, prefix: "team/", secondWriter: "refuse" })
    expect(await tell(store, "save 2")).toMatch(/^refused CKPT_FENCED/)
  })

  test("a sign is nobody's key: under a prefix, with nothing else in the folder, it is no foreign name", async () => {
    const root = await temporaryFolder()
    const { store, told } = await open(root, { layout, prefix: "a/" })
    await save(store, 1)
    for (const name of await readdir(`${root}/a`, { recursive: true })) {
      if (name.includes("000001") || name.includes("latest"))
        await rm(`${root}/a/${name}`, { recursive: true, force: true })
    }
    expect((await store.recover()).outcome).toBe("fresh")
    expect(await store.collectOrphans({ olderThanMs: 0 })).toMatchObject({ removed: [], failures: [] })
    expect(await signs(root)).toHaveLength(1)
    await store.close()
    const { store: other, told: toldOther } = await open(root, { layout, prefix: "a/" })
    expect((await other.recover()).outcome).toBe("fresh")
    expect([...told(), ...toldOther()]).toEqual([])
  })

  test("a claimed root goes by its claims: no sign there; the claim leaves the sign of whoever lives, and clears no other", async () => {
    const root = await temporaryFolder()
    const plain = second(root, { layout })
    expect(await tell(plain, "save 1")).toBe("done")
    const dead = second(root, { layout })
    await tell(dead, "save 2")
    await killed(dead)
    const { store, told } = await open(root, { layout, secondWriter: "refuse", retain: { last: 2 } })
    const leader = await store.claim()
    onTestFinished(() => leader.close())
    await save(leader, 3)
    expect(await leader.ids()).toEqual([2, 3])
    // The sign of the dead one went with the leader's retention.
    const [left = "", ...others] = await signs(root)
    expect([left.includes(`_${plain.process.pid}_`), others]).toEqual([true, []])
    expect(await tell(plain, "save 4")).toMatch(/^refused CKPT_FENCED .*is claimed/)
    for (const change of ["save 5", "update 3", "remove 2", "prune", "collect", "unpin"])
      expect(await tell(second(root, { layout }), change)).toMatch(
        /^refused CKPT_FENCED .*(is claimed|claim 1 leads)|^done$/,
      )
    expect(await signs(root)).toEqual([left])
    expect(told()).toEqual([])
    expect(await tell(plain, "close")).toBe("done")
    expect(await signs(root)).toEqual([])
  })
})

test("of processes that begin at once and refuse a second writer, at most one writes", {
  timeout: 60_000,
}, async () => {
  let refused = 0
  for (let round = 0; round < 8; round++) {
    const root = await temporaryFolder()
    const children = Array.from({ length: 3 }, () => second(root, { secondWriter: "refuse" }))
    await Promise.all(children.map((child) => child.lines(1)))
    const answers = await Promise.all(children.map((child, n) => tell(child, `save ${n + 1}`)))
    expect(answers.filter((answer) => answer === "done").length, answers.join("\n")).toBeLessThanOrEqual(1)
    for (const answer of answers) if (answer !== "done") expect(answer).toMatch(/^refused CKPT_FENCED/)
    refused += answers.filter((answer) => answer !== "done").length
    for (const child of children) await killed(child)
  }
  expect(refused).toBeGreaterThanOrEqual(16)
})

test("a thread of this process is this process", async () => {
  const root = await temporaryFolder()
  const { store } = await open(root)
  await save(store, 1)
  const script = `
    const { openFsStore, createManifest } = await import(${JSON.stringify(import.meta.resolve("@ckpt/fs"))})
    const store = await openFsStore(${JSON.stringify(root)}, { secondWriter: "refuse" })
    await store.save(createManifest({ checkpointId: 2, epoch: 2 }))
    await store.close()`
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`))
  const code = await new Promise((resolve, reject) => worker.once("error", reject).once("exit", resolve))
  expect(code).toBe(0)
  expect(await store.ids()).toEqual([1, 2])
  // The thread took its own sign back, and no other.
  expect(await signs(root)).toHaveLength(1)
})

test.each(["no", true, 1, null, ""])("secondWriter %j is refused", async (value) => {
  const options = { secondWriter: value } as unknown as FsStoreOptions
  const expected = { code: "CKPT_INVALID", message: expect.stringContaining('give "warn" or "refuse"') }
  await expect(openFsStore(await temporaryFolder(), options)).rejects.toMatchObject(expected)
})
