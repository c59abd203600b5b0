import { mkdir, readdir, readFile, rename, symlink, writeFile } from "node:fs/promises"
import { createManifest } from "@ckpt/core"
import { describe, expect, onTestFinished, test, vi } from "vitest"
import { FsBackend } from "../../src/backend.js"
import {
  type CheckpointStore,
  type FsStoreOptions,
  type LeaderStore,
  openFsStore,
  type StoreEvent,
  type StoreOperations,
} from "../../src/index.js"
import { body, rejection, tree } from "../backend/support.js"
import { errno, watchFiles } from "../backend/watched-files.js"
import { temporaryFolder } from "../folder.js"

const temporary = ".tmp-0123456789abcdef"

async function open(root: string, options: FsStoreOptions = {}) {
  const events: StoreEvent[] = []
  const store = await openFsStore(root, { ...options, onEvent: (event) => events.push(event) })
  onTestFinished(() => store.close())
  return { store, events }
}

async function claimed(store: CheckpointStore): Promise<LeaderStore> {
  const leader = await store.claim()
  onTestFinished(() => leader.close())
  return leader
}

const save = (store: StoreOperations, id: number) => store.save(createManifest({ checkpointId: id, epoch: 1 }))

/** The holder of the claim in this folder becomes the process that started this one: it lives, and is another one. */
async function heldByAnother(folder: string): Promise<void> {
  const path = `${folder}/.claims/claim-000001.json`
  const text = await readFile(`/proc/${process.ppid}/stat`, "utf8")
  const start = text.slice(text.lastIndexOf(")") + 2).split(" ")[19]
  const own = JSON.parse(await readFile(path, "utf8"))
  await writeFile(path, JSON.stringify({ ...own, instance: "another", pid: process.ppid, process_start: start }))
}

describe.each(["directory", "objects"] as const)("a claim of a store in the layout %s", (layout) => {
  test("goes through the store's own folders alone, and says what it passes over", async () => {
    const root = await temporaryFolder()
    const { store: plain } = await open(root, { layout })
    for (const id of [1, 2]) await save(plain, id)
    // A folder of another user, and a snapshot of the whole store on a filesystem that is mounted read-only.
    const foreign = ["lost+found", ".snapshots/1/.claims", ".snapshots/1/checkpoints", "data", "checkpoints/foreign"]
    for (const folder of foreign) await mkdir(`${root}/${folder}`, { recursive: true })
    for (const folder of foreign) await writeFile(`${root}/${folder}/${temporary}`, "theirs")
    await writeFile(`${root}/.snapshots/1/.claims/claim-000001.json`, "{}")
    for (let n = 0; n < 300; n++) await writeFile(`${root}/data/${n}`, "")
    const files = watchFiles({
      before: ({ name, path, to = "" }) => {
        if (/lost\+found/.test(path + to)) throw errno("EACCES")
        // The claim lists what is there, and so looks into this folder, as every reader does.
        if (/checkpoints\/foreign/.test(path + to) && name !== "readdir" && name !== "lstat") throw errno("EACCES")
        if (/\.snapshots/.test(path + to)) throw errno("EROFS")
      },
    })
    const { store, events } = await open(root, { layout, files })
    const leader = await claimed(store)
    expect(files.calls.filter(({ path }) => /lost|snapshots|\/data/.test(path))).toEqual([])
    expect(files.count("lstat")).toBeLessThan(80)
    const passedOver = expect.arrayContaining([".snapshots", "data", "lost+found"])
    expect(events).toContainEqual({ type: "claimed", epoch: 1, floor: 2, passedOver })
    await save(leader, 3)
    for (const folder of foreign) expect(await readdir(`${root}/${folder}`)).toContain(temporary)
  })

  test.each([
    ["inside", "outer", "outer/job"],
    ["around", "outer/job", "outer"],
    ["in the folder `checkpoints` of", "outer", "outer/checkpoints"],
    ["that has in its folder `checkpoints`", "outer/checkpoints", "outer"],
  ])("a root %s the root of a living leader: both lead, and neither touches the other", async (_, first, second) => {
    const base = await temporaryFolder()
    const { store: one } = await open(`${base}/${first}`, { layout })
    const leader = await claimed(one)
    await save(leader, 1)
    await heldByAnother(`${base}/${first}`)
    await mkdir(`${base}/${first}/checkpoints`, { recursive: true })
    await writeFile(`${base}/${first}/checkpoints/${temporary}`, "a save under way")
    const { store: two } = await open(`${base}/${second}`, { layout })
    const other = await claimed(two)
    await save(other, 1)
    expect(await tree(`${base}/${first}/checkpoints`)).toContain(temporary)
    await save(leader, 2)
    await save(other, 2)
    for (const store of [leader, other]) expect(await store.ids()).toEqual([1, 2])
  })

  test.each([
    ["below", "", "team/"],
    ["above", "team/", ""],
  ])("a store under another prefix, %s: both lead, and plain writers are told apart", async (_, first, second) => {
    const root = await temporaryFolder()
    const { store: one } = await open(root, { layout, prefix: first })
    const leader = await claimed(one)
    await heldByAnother(`${root}/${first}`)
    const { store: plain } = await open(root, { layout, prefix: second })
    await save(plain, 1)
    const other = await claimed(plain)
    await save(other, 2)
    await save(leader, 1)
    await expect(save(plain, 3)).rejects.toMatchObject({ code: "CKPT_FENCED" })
    expect([await other.ids(), await leader.ids()]).toEqual([[1, 2], [1]])
  })

  test("a prefix that is a link: the claim is refused, and nothing behind the link is read", async () => {
    const [root, elsewhere] = [await temporaryFolder(), await temporaryFolder()]
    await mkdir(`${elsewhere}/checkpoints`)
    await writeFile(`${elsewhere}/checkpoints/${temporary}`, "theirs")
    await symlink(elsewhere, `${root}/team`)
    const files = watchFiles()
    const { store } = await open(root, { layout, prefix: "team/", files })
    await expect(store.claim()).rejects.toMatchObject({ message: expect.stringContaining("is a symbolic link") })
    expect(files.calls.filter(({ path }) => path.includes("/team/") || path.includes(elsewhere))).toEqual([])
    expect(await tree(elsewhere)).toEqual(["checkpoints/", `checkpoints/${temporary}`])
  })

  test.each(["checkpoints", ...(layout === "objects" ? ["manifests"] : [])])(
    "%s is a link: the claim is refused, and nothing behind it is touched",
    async (folder) => {
      const [root, elsewhere] = [await temporaryFolder(), await temporaryFolder()]
      await writeFile(`${elsewhere}/${temporary}`, "theirs")
      await symlink(elsewhere, `${root}/${folder}`)
      const { store } = await open(root, { layout })
      await expect(store.claim()).rejects.toMatchObject({ message: expect.stringContaining("is a symbolic link") })
      expect(await tree(elsewhere)).toEqual([temporary])
    },
  )
})

test("a claim sweeps files and folders, and leaves a link or what holds one", async () => {
  const [root, outside] = [await temporaryFolder(), await temporaryFolder()]
  await writeFile(`${outside}/file`, "outside")
  const stage = ".stage-0123456789abcdef"
  await mkdir(`${root}/checkpoints/${stage}`, { recursive: true })
  await writeFile(`${root}/checkpoints/${stage}/state.bin`, "half")
  await symlink(outside, `${root}/checkpoints/${stage}/link`)
  await symlink(outside, `${root}/checkpoints/${temporary}`)
  for (let n = 0; n < 3; n++) {
    const { store } = await open(root)
    await (await claimed(store)).close()
    const left = await tree(`${root}/checkpoints`)
    // The stage has another name, so its writer cannot move it into place.
    expect(left.map((name) => name.replace(/stage-[^/]*/, "stage-*")).sort()).toEqual(
      [".stage-*/", ".stage-*/link", "history.json", temporary].sort(),
    )
    expect(left).not.toContain(`${stage}/`)
  }
  expect(await tree(outside)).toEqual(["file"])
})

test("the claims of a leader replaced by a link: it writes and removes nothing there", async () => {
  const [root, outside] = [await temporaryFolder(), await temporaryFolder()]
  for (const name of ["beat-000003", "claim-000001.json", "beat-000001"])
    await writeFile(`${outside}/${name}`, "theirs")
  const files = watchFiles()
  for (let n = 0; n < 2; n++) await (await new FsBackend(root).claim({ prefix: "" })).backend[Symbol.asyncDispose]()
  // The test says when beats are due: one that looked while the folder is moved would be the last, without the link.
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] })
  onTestFinished(() => void vi.useRealTimers())
  const silentAfterMs = 10_000
  const { backend } = await new FsBackend(root, { files, silentAfterMs }).claim({ prefix: "" })
  await rename(`${root}/.claims`, `${root}/aside`)
  await symlink(outside, `${root}/.claims`)
  const looks = files.count("lstat", /\.claims$/)
  vi.advanceTimersByTime(silentAfterMs)
  expect(files.count("lstat", /\.claims$/)).toBe(looks + 1)
  expect((await rejection(backend.put("a/b", body("x")))).kind).toBe("damaged")
  await backend[Symbol.asyncDispose]()
  expect(await tree(outside)).toEqual(["beat-000001", "beat-000003", "claim-000001.json"])
  for (const name of await readdir(outside)) expect(await readFile(`${outside}/${name}`, "utf8")).toBe("theirs")
})
