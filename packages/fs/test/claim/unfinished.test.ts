import { mkdir, rmdir } from "node:fs/promises"
import { join } from "node:path"
import { createManifest, openFsStore, type StoreEvent } from "@ckpt/fs"
import { expect, test } from "vitest"
import { temporaryFolder } from "../folder.js"

const manifest = (checkpointId: number) => createManifest({ checkpointId, epoch: 1 })

test("a claim that fails after the backend's claim says so by an event, and the next claim leads", async () => {
  const root = await temporaryFolder()
  const events: StoreEvent[] = []
  await using store = await openFsStore(root, { onEvent: (event) => void events.push(event) })
  await store.save(manifest(1))
  const history = join(root, "checkpoints", "history.json")
  await mkdir(history)
  await expect(store.claim()).rejects.toMatchObject({ message: expect.stringContaining("history.json") })
  expect(events.filter(({ type }) => type === "claimed" || type === "claim-unfinished")).toMatchObject([
    { type: "claim-unfinished", error: { message: expect.stringContaining("history.json") } },
  ])
  await rmdir(history)
  await expect(store.save(manifest(2))).rejects.toMatchObject({ code: "CKPT_FENCED" })
  await using leader = await store.claim()
  expect((await leader.recover()).checkpoint?.id).toBe(1)
  await leader.save(manifest(2))
  expect(await store.ids()).toEqual([1, 2])
})
