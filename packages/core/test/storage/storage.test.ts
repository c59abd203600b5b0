import { describe, expect, test } from "vitest"
import { untilAborted } from "../../src/async/abort.js"
import type { Body, ObjectBackend, ObjectMeta, UploadInParts } from "../../src/storage/backend.js"
import { retryPolicy } from "../../src/storage/retry.js"
import { bytesBody, type PutBody, Storage } from "../../src/storage/storage.js"
import { OwnedClock } from "../owned-clock.js"

const MiB = 1024 ** 2
const never = () => new Promise<never>(() => {})

/** A storage whose `put` and `parts` are these alone. */
function storageOf(put: (body: Body) => Promise<ObjectMeta>, parts: UploadInParts | undefined) {
  const clock = new OwnedClock()
  const backend = { put: (_: string, body: Body) => put(body), ...(parts && { parts }) } as Partial<ObjectBackend>
  const policy = retryPolicy({ attempts: 1 }, 30_000)
  const storage = new Storage(backend as ObjectBackend, { policy, clock, random: () => 0, emit: () => {} })
  return { storage, clock }
}

/** After how much time a put that hangs is given up, in seconds, and what it says then. */
async function givenUp(put: (body: Body) => Promise<ObjectMeta>, body: PutBody, parts?: UploadInParts) {
  const { storage, clock } = storageOf(put, parts)
  let failure: Error | undefined
  storage.put("k", body).catch((error: Error) => {
    failure = error
  })
  await clock.advance(0)
  for (let seconds = 1; seconds <= 3_600; seconds++) {
    await clock.advance(1_000)
    // The upload is given up first.
    await new Promise((resolve) => setImmediate(resolve))
    if (failure !== undefined) return { seconds, message: failure.message }
  }
  throw new Error("it still hangs after an hour")
}

describe("the time that a put has", () => {
  test("a part has more of it, the more bytes it carries", async () => {
    const hanging = (partBytes: number, begins = true): UploadInParts => ({
      partBytes: () => partBytes,
      concurrency: 1,
      begin: async () => (begins ? undefined : never()),
      part: (_upload, _part, { signal }) => untilAborted(never(), signal),
      complete: never,
      abandon: async () => {},
    })
    const upload = (bytes: number, parts = hanging(bytes)) =>
      givenUp(never, bytesBody(new Uint8Array(bytes + 1)), parts)
    const seconds = async (bytes: number) => (await upload(bytes)).seconds
    expect([await seconds(5), await seconds(8 * MiB), await seconds(105 * MiB)]).toEqual([30, 30 + 64, 30 + 840])
    expect((await upload(8 * MiB)).message).toBe("put part of k gave no answer for 94000 ms")
    // The beginning carries no bytes.
    expect((await upload(8 * MiB, hanging(8 * MiB, false))).seconds).toBe(30)
  })

  test("bytes in memory too, which may go in one request", async () => {
    const { seconds, message } = await givenUp(never, bytesBody(new Uint8Array(MiB)))
    expect(seconds).toBe(38)
    expect(message).toBe("put of k gave no answer for 38000 ms")
  })

  test("not the whole of a stream, however long: that it stands still shows", async () => {
    async function* chunks() {
      yield new Uint8Array(1)
    }
    const { seconds } = await givenUp(never, { open: () => chunks(), reopenable: () => false, size: 1024 * MiB })
    expect(seconds).toBe(30)
  })
})
