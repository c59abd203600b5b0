import { execFileSync } from "node:child_process"
import { mkdir, readdir, symlink, writeFile } from "node:fs/promises"
import { describe, expect, test } from "vitest"
import { FsBackend } from "../../src/backend.js"
import { createManifest, openFsStore } from "../../src/index.js"
import { checkpoint, manifestOf, stateOf, tree } from "../backend/support.js"
import { temporaryFolder } from "../folder.js"

describe("leftovers", () => {
  test("are found at any depth by age and prefix, removed unless dryRun, and nothing else is", async () => {
    const root = await temporaryFolder()
    const backend = new FsBackend(root)
    await backend.commit(checkpoint(1))
    const base = `${root}/checkpoints`
    await writeFile(`${base}/.latest-0000000000000001`, "x")
    await writeFile(`${base}/checkpoint_000001/.tmp-0000000000000002`, "x")
    await mkdir(`${base}/.stage-0000000000000003/strange/deep`, { recursive: true })
    await writeFile(`${base}/.stage-0000000000000003/state.bin`, "x")
    await symlink("/etc", `${base}/.stage-0000000000000004`)
    await writeFile(`${root}/.tmp-0000000000000005`, "x")
    await writeFile(`${base}/.tmp-not-ours`, "x")
    await symlink(root, `${base}/loop`)
    const names = async (olderThanMs: number, prefix = "", dryRun = true) =>
      (await backend.leftovers({ olderThanMs, prefix, dryRun })).map(({ name }) => name).sort()
    const all = [".latest-0000000000000001", ".stage-0000000000000003", "checkpoint_000001/.tmp-0000000000000002"].map(
      (name) => `checkpoints/${name}`,
    )
    expect(await names(3_600_000)).toEqual([])
    expect(await names(-1000)).toEqual([".tmp-0000000000000005", ...all])
    expect(await names(-1000, "checkpoints/")).toEqual(all)
    expect(await names(-1000, "checkpoints/checkpoint_000001/")).toEqual([
      "checkpoints/checkpoint_000001/.tmp-0000000000000002",
    ])
    expect(await names(-1000, "checkpoints/", false)).toEqual(all)
    expect(await names(-1000)).toEqual([".tmp-0000000000000005"])
    expect(await tree(root)).toEqual([
      ".tmp-0000000000000005",
      "checkpoints/",
      // A link is not ours, whatever its name.
      "checkpoints/.stage-0000000000000004",
      "checkpoints/.tmp-not-ours",
      "checkpoints/checkpoint_000001/",
      `${manifestOf(1)}`,
      `${stateOf(1)}`,
      "checkpoints/latest.txt",
      "checkpoints/loop",
    ])
  })

  test("a stage is as young as the file that is being written in it", async () => {
    const root = await temporaryFolder()
    const stage = `${root}/checkpoints/.stage-0000000000000001`
    await mkdir(stage, { recursive: true })
    await writeFile(`${stage}/state.bin`, "x")
    execFileSync("touch", ["-d", "2 hours ago", stage])
    const backend = new FsBackend(root)
    expect(await backend.leftovers({ olderThanMs: 3_600_000, prefix: "" })).toEqual([])
    execFileSync("touch", ["-d", "3 hours ago", `${stage}/state.bin`])
    const [found] = await backend.leftovers({ olderThanMs: 3_600_000, prefix: "" })
    expect(Date.now() - found!.since.getTime()).toBeGreaterThan(7_190_000)
    expect(await readdir(`${root}/checkpoints`)).toEqual([])
  })

  test("of a checkpoint at or above the latest valid one stay, if nothing is known of their writer", async () => {
    const root = await temporaryFolder()
    const store = await openFsStore(root)
    for (const checkpointId of [3, 5]) await store.save(createManifest({ checkpointId, epoch: 1 }))
    for (const id of [2, 5, 7]) {
      const folder = `${root}/checkpoints/checkpoint_00000${id}`
      await mkdir(folder, { recursive: true })
      await writeFile(`${folder}/.tmp-000000000000000${id}`, "x")
      execFileSync("touch", ["-d", "2 hours ago", `${folder}/.tmp-000000000000000${id}`])
    }
    const { removed } = await store.collectOrphans()
    expect(removed).toEqual(["checkpoints/checkpoint_000002/.tmp-0000000000000002"])
    await store.close()
  })
})
