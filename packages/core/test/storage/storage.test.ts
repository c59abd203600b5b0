import { describe, expect, test } from "vitest"
import type { Body, ObjectBackend, ObjectMeta, PutOptions } from "../../src/storage/backend.js"
import { retryPolicy } from "../../src/storage/retry.js"
import { bytesBody, type PutBody, Storage } from "../../src/storage/storage.js"
import { OwnedClock } from "../owned-clock.js"

const MiB = 1024 ** 2
const never = () => new Promise<never>(() => {})

/** A storage whose `put` is this alone. */
function storageOf(put: (body: Body, options: PutOptions) => Promise<ObjectMeta>) {
  const clock = new OwnedClock()
  const backend = { put: (_: string, body: Body, options: PutOptions) => put(body, options) } as Partial<ObjectBackend>
  const policy = retryPolicy({ attempts: 1 }, 30_000)
  const storage = new Storage(backend as ObjectBackend, { policy, clock, random: () => 0, emit: () => {} })
  return { storage, clock }
}

/** After how much time a put that hangs is given up, in seconds, and what it says then. */
async function givenUp(put: (body: Body, options: PutOptions) => Promise<ObjectMeta>, body: PutBody) {
  const { storage, clock } = storageOf(put)
  let failure: Error | undefined
  storage.put("k", body).catch((error: Error) => {
    failure = error
  })
  await clock.advance(0)
  for (let seconds = 1; seconds <= 3_600; seconds++) {
    await clock.advance(1_000)
    if (failure !== undefined) return { seconds, message: failure.message }
  }
  throw new Error("it still hangs after an hour")
}

describe("the time that a put has", () => {
  test("a part has more of it, the more bytes it carries", async () => {
    const part = (bytes: number | undefined) => async (_: Body, options: PutOptions) =>
      options.attempt === undefined ? never() : options.attempt(() => never(), bytes)
    const seconds = async (bytes?: number) => (await givenUp(part(bytes), bytesBody(new Uint8Array()))).seconds
    expect([await seconds(), await seconds(5), await seconds(8 * MiB), await seconds(105 * MiB)]).toEqual([
      30,
      30,
      30 + 64,
      30 + 840,
    ])
    const { message } = await givenUp(part(8 * MiB), bytesBody(new Uint8Array()))
    expect(message).toBe("put part of k gave no answer for 94000 ms")
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
