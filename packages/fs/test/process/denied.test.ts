import { execFileSync } from "node:child_process"
import { chmod, mkdir, readdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { openFsStore } from "@ckpt/fs"
import { describe, expect, test } from "vitest"
import { temporaryFolder } from "../folder.js"
import { expectContents, folderOf, mounted, seed, start, temporaryNames } from "./support.js"
import { manifestOf } from "./workload.mjs"

interface Failed {
  readonly name: string
  readonly code: string
  readonly message: string
  readonly retryable: boolean
}
type Answer = { readonly value: unknown } | Failed
type Answers = Record<
  "recover" | "loadLatest" | "ids" | "nextId" | "list" | "save" | "update" | "prune" | "collectOrphans",
  Answer
>

const reads = ["recover", "loadLatest", "ids", "nextId", "list"] as const

/** Asks as a user without rights; where the tests do not run as root, that is the user of the tests. */
async function ask(...roots: string[]): Promise<Answers[]> {
  const uid = process.getuid?.() || 65_534
  const child = start("denied.mjs", [String(uid)])
  child.process.stdin?.end(JSON.stringify(roots))
  const { code, lines, stderr } = await child.ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
  return JSON.parse(lines[0] ?? "[]") as Answers[]
}

function expectRefused(answer: Answer, cause: RegExp, code = "CKPT_DENIED"): void {
  expect(answer).toMatchObject({ name: "CheckpointError", code, retryable: false })
  expect((answer as Failed).message).toMatch(cause)
}

async function openFolder(): Promise<string> {
  const folder = await temporaryFolder()
  await chmod(folder, 0o755)
  return folder
}

const permission = /EACCES: permission denied.*Permission denied: give this user/

describe("without permission", () => {
  test("an unreadable root, or a folder above or below it: every call rejects, none says fresh", async () => {
    const base = await openFolder()
    const root = join(base, "root")
    const inner = join(base, "inner")
    const above = join(base, "above")
    for (const path of [root, inner, join(above, "root")]) await seed(path, [1, 2])
    const locked = [root, join(inner, "checkpoints"), above]
    try {
      for (const path of locked) await chmod(path, 0o000)
      const all = await ask(root, inner, join(above, "root"), join(above, "missing"))
      expect(all).toHaveLength(4)
      for (const answers of all) {
        for (const name of [...reads, "save", "update", "prune"] as const) expectRefused(answers[name], permission)
        expect(answers.collectOrphans).not.toHaveProperty("value.failures", [])
      }
    } finally {
      for (const path of locked) await chmod(path, 0o755)
    }
    for (const path of [root, inner, join(above, "root")]) {
      await using store = await openFsStore(path)
      expect(await store.ids()).toEqual([1, 2])
      expect(await temporaryNames(path)).toEqual([])
    }
    expect(await readdir(above)).toEqual(["root"])
  })

  test("an unreadable file of the latest checkpoint is an outage, not damage: no older one is taken for it", async () => {
    const base = await openFolder()
    const paths = { manifest: "manifest.json", state: "state.bin", folder: "." }
    const roots = Object.keys(paths).map((name) => join(base, name))
    for (const [name, path] of Object.entries(paths)) {
      await seed(join(base, name), [1, 2])
      await chmod(join(base, name, "checkpoints", folderOf(2), path), 0o000)
    }
    for (const answers of await ask(...roots)) expectRefused(answers.recover, permission)
    for (const [name, path] of Object.entries(paths))
      await chmod(join(base, name, "checkpoints", folderOf(2), path), 0o755)
  })

  test("an unwritable root: what is there is read, nothing is written", async () => {
    const base = await openFolder()
    const root = join(base, "root")
    await seed(root, [1, 2])
    const locked = [...[1, 2].map((id) => join(root, "checkpoints", folderOf(id))), join(root, "checkpoints"), root]
    for (const path of locked) await chmod(path, 0o555)
    await chmod(base, 0o555)
    const [answers, missing] = (await ask(root, join(base, "missing"))) as [Answers, Answers]
    for (const path of [base, ...locked]) await chmod(path, 0o755)
    expect(answers.recover).toEqual({ value: { outcome: "recovered", id: 2, nextId: 3 } })
    expect(answers.loadLatest).toEqual({ value: 2 })
    expect(answers.ids).toEqual({ value: [1, 2] })
    expectRefused(answers.save, permission)
    expectRefused(answers.update, permission)
    expectRefused(answers.prune, permission)
    expect(answers.collectOrphans).toEqual({ value: { removed: [], failures: [] } })
    // There is nothing there, and that can be seen; but it cannot be made.
    expect(missing.recover).toEqual({ value: { outcome: "fresh", nextId: 1 } })
    expectRefused(missing.save, permission)
    expect(await readdir(base)).toEqual(["root"])
    await using store = await openFsStore(root)
    for (const id of [1, 2]) await expectContents(store, id, "afterwards")
    expect(await temporaryNames(root)).toEqual([])
  })
})

test("a filesystem mounted read-only: it is read, and a save says why it cannot be written", async (context) => {
  const root = await mounted(context, "size=1m")
  await seed(root, [1, 2])
  execFileSync("mount", ["-o", "remount,ro", root])
  // A process that wrote here before, and one that comes new.
  await using store = await openFsStore(root)
  expect((await store.recover()).checkpoint?.id).toBe(2)
  await expect(store.save(manifestOf(3))).rejects.toMatchObject({
    code: "CKPT_DENIED",
    message: expect.stringMatching(/EROFS.*read-only/),
  })
  await expect(store.prune({ last: 1 })).rejects.toMatchObject({
    code: "CKPT_DENIED",
    message: expect.stringMatching(/EROFS.*read-only/),
  })
  const [answers] = (await ask(root)) as [Answers]
  expect(answers.recover).toEqual({ value: { outcome: "recovered", id: 2, nextId: 3 } })
  expect(answers.save).toMatchObject({ code: "CKPT_DENIED" })
  execFileSync("mount", ["-o", "remount,rw", root])
  await store.save(manifestOf(3))
  expect(await store.ids()).toEqual([1, 2, 3])
})

test("a root that is a file, or lies below one: every call rejects and says so", async () => {
  const base = await openFolder()
  const file = join(base, "file")
  await writeFile(file, "not a folder")
  const [itself, below] = (await ask(file, join(file, "a", "root"))) as [Answers, Answers]
  for (const name of [...reads, "save", "update", "prune", "collectOrphans"] as const) {
    expectRefused(itself[name], /the root .*\/file is a (regular )?file, not a folder/, "CKPT_IO")
    expectRefused(below[name], /ENOTDIR|is a (regular )?file, not a folder/, "CKPT_IO")
  }
  expect(await readdir(base)).toEqual(["file"])
})

test("a root that does not exist is fresh, and looking creates nothing", async () => {
  const base = await openFolder()
  const root = join(base, "a", "b")
  await using store = await openFsStore(root)
  expect(await store.recover()).toMatchObject({ outcome: "fresh", nextId: 1, examined: 0, skipped: [] })
  expect(await store.loadLatest()).toBeUndefined()
  expect(await store.load(1)).toBeUndefined()
  expect(await store.ids()).toEqual([])
  expect(await store.nextId()).toBe(1)
  expect(await store.prune({ last: 1 })).toMatchObject({ removed: [], failures: [] })
  expect(await store.collectOrphans({ olderThanMs: 0 })).toMatchObject({ removed: [], failures: [] })
  await expect(store.update(1, (current) => current)).rejects.toMatchObject({ code: "CKPT_NOT_FOUND" })
  expect(await readdir(base)).toEqual([])
  await mkdir(root, { recursive: true })
  expect(await store.recover()).toMatchObject({ outcome: "fresh" })
  expect(await readdir(root)).toEqual([])
})
