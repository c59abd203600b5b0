import { mkdir, rm, statfs, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { CheckpointError, type CheckpointStore, openFsStore } from "@ckpt/fs"
import type { TestContext } from "vitest"
import { describe, expect, test } from "vitest"
import { expectContents, expectGoesOn, expectTidy, mounted, seed, temporaryNames } from "./support.js"
import { contentsOf, manifestOf, stateOf } from "./workload.mjs"

/** Each is saved in another way: a stream, chunks, operators, one array. */
const ids = Array.from({ length: 40 }, (_, index) => index + 1)

async function rejection(promise: Promise<unknown>): Promise<CheckpointError> {
  const error = await promise.then(
    () => expect.fail("it should have rejected"),
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(CheckpointError)
  return error as CheckpointError
}

async function expectFull(promise: Promise<unknown>): Promise<void> {
  const error = await rejection(promise)
  expect(error.message).toMatch(/ENOSPC.*No space \(or no inodes\) left on the device/)
  expect(error.code).toBe("CKPT_FULL")
}

/** Uses up what is left, but for so many pages of 4 KiB. */
async function fill(path: string, freePages: number): Promise<void> {
  const { bfree, bsize } = await statfs(join(path, ".."))
  const pages = Math.floor((bfree * bsize) / 4096) - freePages
  if (pages > 0) await writeFile(path, new Uint8Array(pages * 4096))
}

async function expectIntact(store: CheckpointStore, saved: readonly number[], label: string): Promise<void> {
  expect(await store.ids(), label).toEqual(saved)
  for (const id of saved) await expectContents(store, id, label)
  expect((await store.recover()).checkpoint?.id, label).toBe(saved.at(-1))
}

describe("a disk of 1 MiB", () => {
  test("saves until it is full: older ones load, nothing is left behind, and with room again it goes on", async (context) => {
    const root = await mounted(context, "size=1m")
    const eater = join(root, "eater")
    await writeFile(eater, new Uint8Array(500_000))
    await using store = await openFsStore(root)
    const saved: number[] = []
    let failed = 0
    // Those that are larger than what is left fail, smaller ones after them may still fit.
    for (const id of [5, ...ids.filter((id) => id !== 5)]) {
      try {
        await store.save(manifestOf(id), contentsOf(id))
        saved.push(id)
      } catch (error) {
        await expectFull(Promise.reject(error))
        failed++
        expect(await temporaryNames(root)).toEqual([])
        await expectIntact(
          store,
          saved.toSorted((a, b) => a - b),
          `after ${id} failed`,
        )
      }
      if (failed === 8) break
    }
    expect(saved.length).toBeGreaterThan(3)
    expect(failed).toBe(8)
    await using other = await openFsStore(root)
    await expectIntact(
      other,
      saved.toSorted((a, b) => a - b),
      "another store",
    )

    await rm(eater)
    const next = await store.nextId()
    expect((await store.save(manifestOf(next), contentsOf(next))).outcome).toBe("created")
    await expectContents(store, next, "with room again")
  })

  test("with 0, 1, 2, … pages left, in each way of saving", async (context) => {
    const root = await mounted(context, "size=1m")
    const eater = join(root, "eater")
    await seed(root, [1, 2])
    await using store = await openFsStore(root)
    const outcomes = new Set<string>()
    const saved = [1, 2]
    for (const id of [3, 4, 5, 6]) {
      for (let free = 0; ; free++) {
        // `stateOf(7)` is not small enough to stay in the manifest. A stream is read once, so each save gets its own.
        const contents = id === 3 ? { operators: { a: stateOf(7) }, inlineThreshold: 1000 } : contentsOf(id)
        await fill(eater, free)
        const label = `checkpoint ${id} with ${free} pages left`
        const failure = await store.save(manifestOf(id), contents).then(
          () => undefined,
          (error: unknown) => error,
        )
        await rm(eater, { force: true })
        expect(await temporaryNames(root), label).toEqual([])
        if (failure === undefined) break
        outcomes.add("full")
        await expectFull(Promise.reject(failure))
        expect(await store.ids(), label).toEqual(saved)
        expect((await store.recover()).checkpoint?.id, label).toBe(saved.at(-1))
        expect(free, label).toBeLessThan(150)
      }
      saved.push(id)
      outcomes.add("saved")
      expect((await store.recover()).checkpoint?.id).toBe(id)
      expect((await store.verify(id)).valid).toBe(true)
    }
    expect(outcomes.size).toBe(2)
    await expectTidy(root, saved, "at the end")
  })

  test("the first save of all, on a full disk: still fresh, and it works with room", async (context) => {
    const root = await mounted(context, "size=1m")
    const eater = join(root, "eater")
    await fill(eater, 0)
    await using store = await openFsStore(root)
    await expectFull(store.save(manifestOf(1), contentsOf(1)))
    expect(await store.recover()).toMatchObject({ outcome: "fresh", nextId: 1 })
    expect(await temporaryNames(root)).toEqual([])
    await rm(eater)
    await expectGoesOn(store, root, 1, "with room again")
  })

  test("writeState fails and changes nothing; update and prune work, and prune makes room", async (context) => {
    const root = await mounted(context, "size=1m")
    const eater = join(root, "eater")
    await seed(root, [1, 2, 5, 6])
    await fill(eater, 0)
    await using store = await openFsStore(root)
    await expectFull(store.writeState(9, stateOf(9)))
    await expectFull(store.save(manifestOf(10), contentsOf(10)))
    expect(await temporaryNames(root)).toEqual([])
    await expectIntact(store, [1, 2, 5, 6], "full")
    await store.update(6, (current) => ({ ...current, watermark: 8n }))
    expect((await store.load(6))?.watermark).toBe(8n)
    await expectIntact(store, [1, 2, 5, 6], "updated")
    expect(await store.prune({ last: 1 })).toMatchObject({ removed: [1, 2, 5], failures: [] })
    const next = await store.nextId()
    await store.save(manifestOf(next), contentsOf(next))
    await store.update(next, (current) => ({ ...current, watermark: 7n }))
    await expectContents(store, next, "after the prune")
    await expectContents(store, 6, "after the prune")
  })
})

test("no inodes: with 0, 1, 2, … left the save fails cleanly, until there are enough", async (context: TestContext) => {
  const root = await mounted(context, "size=4m,nr_inodes=40")
  await seed(root, [1, 2])
  const eaters = join(root, "eaters")
  await mkdir(eaters)
  const made: string[] = []
  for (;;) {
    const path = join(eaters, String(made.length))
    try {
      await writeFile(path, "")
    } catch {
      break
    }
    made.push(path)
  }
  expect(made.length).toBeGreaterThan(10)
  let needed = 0
  await using store = await openFsStore(root)
  for (; ; needed++) {
    const failure = await store.save(manifestOf(6), contentsOf(6)).then(
      () => undefined,
      (error: unknown) => error,
    )
    if (failure === undefined) break
    await expectFull(Promise.reject(failure))
    expect(await temporaryNames(root)).toEqual([])
    await expectIntact(store, [1, 2], `${needed} inodes left`)
    await rm(made.pop() ?? expect.fail("it needs more inodes than it should"))
  }
  // The directory, its two files, the pointer, and the sign that this process writes.
  expect(needed).toBe(5)
  await rm(eaters, { recursive: true })
  await expectGoesOn(store, root, 7, "with inodes again")
  await expectTidy(root, [1, 2, 6, 7], "at the end")
})
