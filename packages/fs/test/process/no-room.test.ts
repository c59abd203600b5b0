import { execFileSync } from "node:child_process"
import { access, mkdir, truncate, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { type FsStoreOptions, openFsStore, type StoreOperations } from "@ckpt/fs"
import type { TestContext } from "vitest"
import { expect, onTestFinished, test } from "vitest"
import { FsBackend } from "../../src/backend.js"
import { temporaryFolder } from "../folder.js"
import { expectContents, mounted, run, skipUnlessCi, temporaryNames } from "./support.js"
import { contentsOf, manifestOf } from "./workload.mjs"

const filesystems = {
  tmpfs: (context: TestContext) => mounted(context, "size=1m,nr_inodes=120"),
  ext4: async (context: TestContext) => {
    const [image, path] = [join(await temporaryFolder(), "image"), await temporaryFolder()]
    await writeFile(image, "")
    await truncate(image, 8 << 20)
    try {
      execFileSync("mkfs.ext4", ["-q", "-b", "4096", "-m", "0", "-N", "128", image], { stdio: "pipe" })
      execFileSync("mount", ["-o", "loop", image, path], { stdio: "pipe" })
    } catch (error) {
      skipUnlessCi(context, `ext4 cannot be mounted here (${(error as Error).message.trim().split("\n").at(-1)})`)
    }
    onTestFinished(() => void execFileSync("umount", ["-l", path]))
    const root = join(path, "store")
    await mkdir(root)
    return root
  },
}

/** Uses up what is left, now and after each removal: every byte, or every inode. */
async function filler(root: string, what: "byte" | "inode"): Promise<() => Promise<void>> {
  const eaters = join(root, "eaters")
  await mkdir(eaters)
  let n = 0
  const fill = async () => {
    for (const bytes of what === "byte" ? [1 << 18, 1 << 12, 1] : [0]) {
      for (;;) {
        const error = await writeFile(join(eaters, String(n++)), new Uint8Array(bytes)).then(
          () => undefined,
          (reason: unknown) => reason as NodeJS.ErrnoException,
        )
        if (error === undefined) continue
        expect(error.code).toBe("ENOSPC")
        break
      }
    }
  }
  await fill()
  return fill
}

const options = { silentAfterMs: 600_000 }

/** Another process saves and ends. `claimed`: it led; `pins`: it pinned 1. */
async function workedBefore(
  root: string,
  layout: "directory" | "objects",
  { claimed, pins }: { claimed: boolean; pins: boolean },
): Promise<void> {
  const { lines } = await run("worked-before.mjs", [root, layout, String(claimed), String(pins)])
  expect(lines).toEqual(["done"])
}

async function opened(root: string, more: FsStoreOptions, claimed: boolean): Promise<StoreOperations> {
  const plain = await openFsStore(root, { ...options, ...more })
  onTestFinished(() => plain.close())
  if (!claimed) return plain
  const leader = await plain.claim()
  onTestFinished(() => leader.close())
  return leader
}

const cases = (Object.keys(filesystems) as (keyof typeof filesystems)[]).flatMap((filesystem) =>
  (["byte", "inode"] as const).flatMap((what) =>
    (["directory", "objects"] as const).flatMap((layout) =>
      [false, true].map((claimed) => [filesystem, what, layout, claimed] as const),
    ),
  ),
)

test.for(cases)(
  "%s without one %s, layout %s, claimed: %s: after a restart, all that makes room works",
  {
    timeout: 60_000,
  },
  async ([filesystem, what, layout, claimed], context) => {
    const root = await filesystems[filesystem](context)
    await workedBefore(root, layout, { claimed, pins: true })
    const fill = await filler(root, what)
    const store = await opened(root, { layout }, claimed)
    await expect(store.save(manifestOf(9), contentsOf(9))).rejects.toMatchObject({ message: /ENOSPC/ })
    await expect(store.pin(8, "new")).rejects.toMatchObject({ message: /ENOSPC/ })

    expect(await store.unpin("old")).toBe(true)
    await fill()
    expect(await store.remove(2)).toBe(true)
    await fill()
    // The state of 3 has no manifest: it was written ahead by a save that never came.
    const collected = await store.collectOrphans({ olderThanMs: 0 })
    expect(collected).toMatchObject({ failures: [], removed: [expect.stringContaining("000003")] })
    await fill()
    expect(await store.prune({ last: 1 })).toMatchObject({ removed: [1, 4, 5, 6, 7], failures: [] })
    expect(await temporaryNames(root)).toEqual([])
    expect((await store.recover()).checkpoint?.id).toBe(8)

    await store.save(manifestOf(9), contentsOf(9))
    for (const id of [8, 9]) await expectContents(store, id, "with room again")
    expect(await store.ids()).toEqual([8, 9])
  },
)

test.for(cases.filter(([, , , claimed]) => !claimed))(
  "%s without one %s, layout %s: a store without a history makes room, and pins afterwards",
  { timeout: 60_000 },
  async ([filesystem, what, layout], context) => {
    const root = await filesystems[filesystem](context)
    await workedBefore(root, layout, { claimed: false, pins: false })
    const history = join(root, layout === "directory" ? "checkpoints" : "manifests", "history.json")
    await expect(access(history)).rejects.toMatchObject({ code: "ENOENT" })
    const fill = await filler(root, what)
    const store = await opened(root, { layout }, false)
    expect(await store.remove(2)).toBe(true)
    await access(history)
    await fill()
    const collected = await store.collectOrphans({ olderThanMs: 0 })
    expect(collected).toMatchObject({ failures: [], removed: [expect.stringContaining("000003")] })
    await fill()
    expect(await store.prune({ last: 2 })).toMatchObject({ removed: [1, 4, 5, 6], failures: [] })
    await store.pin(7, "new")
    expect(await store.prune({ last: 1 })).toMatchObject({ removed: [], kept: [7, 8] })
    expect(await store.unpin("new")).toBe(true)
    expect(await store.prune({ last: 1 })).toMatchObject({ removed: [7], failures: [] })
    expect(await temporaryNames(root)).toEqual([])
    await store.save(manifestOf(9), contentsOf(9))
    for (const id of [8, 9]) await expectContents(store, id, "with room again")
  },
)

test.for(cases.filter(([, , layout, claimed]) => layout === "directory" && !claimed))(
  "%s without one %s: an object of the directory layout is replaced, again and again",
  async ([filesystem, what], context) => {
    const root = await filesystems[filesystem](context)
    const key = "checkpoints/history.json"
    const text = (n: number) => String(n).padStart(4, "0").repeat(500)
    const before = new FsBackend(root)
    let { version } = await before.put(key, [Buffer.from(text(0))], { when: "absent" })
    version = (await before.put(key, [Buffer.from(text(1))], { when: { version } })).version
    const fill = await filler(root, what)
    const backend = new FsBackend(root)
    for (let n = 2; n < 12; n++) {
      version = (await backend.put(key, [Buffer.from(text(n))], { when: { version } })).version
      await fill()
      const chunks: Uint8Array[] = []
      for await (const chunk of (await backend.get(key))?.body ?? []) chunks.push(chunk)
      expect(Buffer.concat(chunks).toString()).toBe(text(n))
    }
    expect(await temporaryNames(root)).toEqual([])
  },
)
