import { mkdir, rename, symlink, writeFile } from "node:fs/promises"
import { dirname } from "node:path"
import { createManifest } from "@ckpt/core"
import { describe, expect, test } from "vitest"
import { spareName } from "../../src/files/paths.js"
import { openFsStore } from "../../src/index.js"
import { fifo, tree } from "../backend/support.js"
import { temporaryFolder } from "../folder.js"

/** Ways to take the place of a folder. */
const obstacles: Record<string, (path: string) => unknown> = {
  "a file": (path) => writeFile(path, "not a folder"),
  "a pipe": fifo,
  "a link to nothing": (path) => symlink("/nowhere", path),
}

const stores = [
  { layout: "directory", prefix: "", folder: "checkpoints" },
  { layout: "objects", prefix: "", folder: "checkpoints" },
  { layout: "objects", prefix: "", folder: "manifests" },
  { layout: "directory", prefix: "jobs/a/", folder: "jobs" },
  { layout: "directory", prefix: "jobs/a/", folder: "jobs/a" },
  { layout: "directory", prefix: "jobs/a/", folder: "jobs/a/checkpoints" },
  { layout: "objects", prefix: "jobs/a/", folder: "jobs/a" },
  { layout: "objects", prefix: "jobs/a/", folder: "jobs/a/manifests" },
] as const

describe.each(stores)("layout $layout, prefix '$prefix': where the folder $folder belongs", (store) => {
  const { layout, prefix, folder } = store

  test.each(Object.keys(obstacles))("%s is a failure of every operation, never a fresh start", async (what) => {
    for (const saved of [false, true]) {
      const root = await temporaryFolder()
      if (saved) {
        const writer = await openFsStore(root, { layout, prefix })
        await writer.save(createManifest({ checkpointId: 1, epoch: 1 }), { state: new Uint8Array(10) })
        await writer.close()
        await rename(`${root}/${folder}`, `${root}/aside`)
      }
      await mkdir(dirname(`${root}/${folder}`), { recursive: true })
      await obstacles[what]?.(`${root}/${folder}`)
      const before = await tree(root)
      const reader = await openFsStore(root, { layout, prefix })
      const calls = {
        recover: () => reader.recover(),
        nextId: () => reader.nextId(),
        save: () => reader.save(createManifest({ checkpointId: 2, epoch: 1 }), { state: new Uint8Array(10) }),
        collectOrphans: () => reader.collectOrphans(),
        ...(folder === "checkpoints" && layout === "objects"
          ? {}
          : { ids: () => reader.ids(), loadLatest: () => reader.loadLatest() }),
      }
      for (const [name, call] of Object.entries(calls)) {
        const error = await call().then(
          () => undefined,
          (reason: unknown) => reason as Error,
        )
        expect(error, `${name}, saved: ${saved}`).toMatchObject({ code: expect.stringMatching(/^CKPT_(IO|CORRUPT)$/) })
        expect(error?.message, name).toContain(`${root}/${folder} is `)
      }
      // A save in the layout "objects" may have come as far as its state.
      const came = (await tree(root)).filter((path) => !before.includes(path) && !/checkpoints\//.test(path))
      expect(came.filter((path) => path !== spareName)).toEqual([])
      expect(await tree(root)).toEqual(expect.arrayContaining(before))
      await reader.close()
    }
  })
})
