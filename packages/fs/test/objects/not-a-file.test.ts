import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { basename, dirname } from "node:path"
import { createManifest } from "@ckpt/core"
import { describe, expect, test } from "vitest"
import { type CheckpointStore, openFsStore, type StoreEvent } from "../../src/index.js"
import { device, fifo, tree } from "../backend/support.js"
import { temporaryFolder } from "../folder.js"

/** Things that this package never makes. */
const strange: Record<string, (path: string) => unknown> = {
  "a link to nothing": (path) => symlink("/nowhere", path),
  "a link to a file outside": (path) => symlink(`${dirname(path)}/outside`, path),
  "a pipe": fifo,
  "a device": device,
}

const layouts = {
  directory: {
    // What is in the place of the folder of a checkpoint, and of its manifest.
    manifest: ["checkpoints/checkpoint_000002", "checkpoints/checkpoint_000002/manifest.json"],
    state: "checkpoints/checkpoint_000001/state.bin",
    pointer: "checkpoints/latest.txt",
  },
  objects: {
    manifest: ["manifests/manifest-000002.json"],
    state: "checkpoints/state-000001.bin",
    pointer: "manifests/latest.json",
  },
} as const

async function open(root: string, layout: "directory" | "objects") {
  const events: StoreEvent[] = []
  const store = await openFsStore(root, { layout, onEvent: (event) => events.push(event) })
  return { store, events }
}

const save = (store: CheckpointStore, id: number) =>
  store.save(createManifest({ checkpointId: id, epoch: 1 }), { state: new Uint8Array(100).fill(id) })

describe.each(["directory", "objects"] as const)("layout %s", (layout) => {
  const places = layouts[layout]
  const cases = Object.keys(strange).flatMap((what) => places.manifest.map((place) => [what, place] as const))

  test.each(cases)("%s at %s alone: damage, never a fresh start", async (what, place) => {
    const root = await temporaryFolder()
    await mkdir(dirname(`${root}/${place}`), { recursive: true })
    await strange[what]?.(`${root}/${place}`)
    const before = await tree(root)
    const { store } = await open(root, layout)
    expect(await store.recover()).toMatchObject({ outcome: "exhausted", nextId: 3, skipped: [{ id: 2 }] })
    expect(await store.nextId()).toBe(3)
    await store.prune({ last: 1 })
    await store.collectOrphans({ olderThanMs: 0 })
    await save(store, 3)
    expect((await store.recover()).checkpoint?.id).toBe(3)
    await store.close()
    expect(await tree(root)).toEqual(expect.arrayContaining(before))
  })

  test.each(Object.keys(strange))("retention leaves %s under a name of ours, and says so", async (what) => {
    const root = await temporaryFolder()
    const { store } = await open(root, layout)
    for (const id of [1, 2, 3, 4]) await save(store, id)
    const places = [layouts[layout].state, layouts[layout].manifest.at(-1) ?? ""]
    for (const place of places) {
      await rm(`${root}/${place}`)
      await strange[what]?.(`${root}/${place}`)
      await writeFile(`${dirname(`${root}/${place}`)}/outside`, "outside")
    }
    expect((await store.recover()).checkpoint?.id).toBe(4)
    const report = await store.prune({ last: 1 })
    expect(report.failures.map(({ key }) => key).sort()).toEqual([...places].sort())
    await store.collectOrphans({ olderThanMs: 0 })
    const left = await tree(root)
    for (const place of places) {
      expect(left).toContain(place)
      expect(await readFile(`${dirname(`${root}/${place}`)}/outside`, "utf8")).toBe("outside")
    }
    expect(await store.ids()).toContain(4)
    await store.close()
  })

  test.each([...Object.keys(strange), "a folder"])(
    "%s in the place of the pointer stays, and is named",
    async (what) => {
      const root = await temporaryFolder()
      const first = await open(root, layout)
      for (const id of [1, 2]) await save(first.store, id)
      await first.store.close()
      const path = `${root}/${places.pointer}`
      await rm(path)
      await (what === "a folder" ? mkdir(path) : strange[what]?.(path))
      const { store, events } = await open(root, layout)
      expect((await store.recover()).checkpoint?.id).toBe(2)
      expect(await save(store, 3)).toMatchObject({ outcome: "created" })
      expect(events.map(({ type }) => type)).toContain("pointer-failed")
      expect((await store.recover()).checkpoint?.id).toBe(3)
      await store.close()
      expect((await tree(root)).map((name) => basename(name))).toContain(basename(path))
    },
  )
})
