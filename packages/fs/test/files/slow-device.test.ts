import { setImmediate } from "node:timers/promises"
import { expect, test } from "vitest"
import type { OpenFile } from "../../src/files/file-api.js"
import { WriteBehind } from "../../src/files/write-behind.js"

const MiB = 1 << 20

/** A file of which only what writing behind needs is there; what its calls do is up to the test. */
function fileWith(calls: { write(bytes: number): Promise<void>; datasync(): Promise<void> }): OpenFile {
  const writev = async (buffers: readonly Uint8Array[]) => {
    const bytes = buffers.reduce((sum, { length }) => sum + length, 0)
    await calls.write(bytes)
    return { bytesWritten: bytes }
  }
  const write = (buffer: Uint8Array) => writev([buffer])
  return { writev, write, datasync: calls.datasync } as unknown as OpenFile
}

/** Whatever can go on has gone on. */
async function allTurns(): Promise<void> {
  for (let turn = 0; turn < 1_000; turn++) await setImmediate()
}

test("a device that syncs slowly holds the writer back: no more than 300 MiB wait for it", async () => {
  let written = 0
  let isSynced = () => {}
  const syncing = new Promise<void>((resolve) => {
    isSynced = resolve
  })
  const writer = new WriteBehind(
    fileWith({
      write: async (bytes) => {
        written += bytes
      },
      datasync: () => syncing,
    }),
  )
  const chunk = new Uint8Array(8 * MiB)
  const writing = (async () => {
    for (let count = 0; count < 100; count++) await writer.add(chunk)
    await writer.finish()
  })()
  await allTurns()
  expect(written).toBeGreaterThanOrEqual(256 * MiB)
  expect(written).toBeLessThanOrEqual(300 * MiB)
  isSynced()
  await writing
  expect(written).toBe(800 * MiB)
})

test("a body whose last write cannot begin is over only when those before have ended", async () => {
  const ends: { fail(error: Error): void; succeed(): void }[] = []
  let underWay = 0
  const file = fileWith({
    write: async () => {
      underWay++
      await new Promise<void>((succeed, fail) => ends.push({ succeed, fail })).finally(() => underWay--)
    },
    datasync: async () => {},
  })
  const writer = new WriteBehind(file)
  // Two gathered writes are under way, and the third is full.
  for (let count = 0; count < 48; count++) await writer.add(new Uint8Array(MiB / 2))
  expect(underWay).toBe(2)
  const finished = writer.finish().then(
    () => "finished",
    (error: unknown) => `${error}, with ${underWay} under way`,
  )
  ends[0]?.fail(new Error("the disk broke"))
  await allTurns()
  ends[1]?.succeed()
  expect(await finished).toBe("Error: the disk broke, with 0 under way")
})
