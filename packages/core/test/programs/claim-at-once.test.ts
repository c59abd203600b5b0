import { expect, test } from "vitest"
import { untilAborted } from "../../src/adapter/index.js"
import { openCheckpointStore } from "../../src/index.js"
import { bytes, manifest, Objects, opened, rejectionOf } from "../mistakes/support.js"

/** A storage that notes how often it was closed. */
class Closing extends Objects {
  closed = 0
  override async [Symbol.asyncDispose](): Promise<void> {
    this.closed++
  }
}

test("claim: true gives the leader, and closing it closes what it came from", async () => {
  const backend = new Closing()
  const leader = await openCheckpointStore({ backend, ownsBackend: true, claim: true })
  expect(leader.epoch).toBe(1)
  await leader.save(manifest(1), { state: bytes("s") })
  expect(backend.closed).toBe(0)
  await Promise.all([leader.close(), leader.close()])
  expect(backend.closed).toBe(1)
  expect(await rejectionOf(() => leader.ids())).toMatchObject({ code: "CKPT_CLOSED" })
})

test("release gives the lead up, and closes all of it, too", async () => {
  const backend = new Closing()
  const leader = await openCheckpointStore({ backend, ownsBackend: true, claim: true })
  await leader.release()
  expect(backend.closed).toBe(1)
})

test("a backend that others own stays open", async () => {
  const backend = new Closing()
  await (await openCheckpointStore({ backend, claim: true })).close()
  expect(backend.closed).toBe(0)
})

test("a claim that fails leaves nothing open", async () => {
  const backend = new Closing()
  const options = { backend, ownsBackend: true, readOnly: true, claim: true } as const
  expect(await rejectionOf(() => openCheckpointStore(options))).toMatchObject({ code: "CKPT_READ_ONLY" })
  expect(backend.closed).toBe(1)
})

test("an abort ends a claim that hangs, and leaves nothing open", async () => {
  const stop = new AbortController()
  const backend = new Closing()
  const closed = new Promise<void>((resolve) => {
    backend[Symbol.asyncDispose] = async () => resolve()
  })
  const begun = new Promise<void>((resolve) => {
    backend.put = (_key, _body, { signal } = {}) => {
      resolve()
      return untilAborted(new Promise(() => {}), signal)
    }
  })
  const opening = openCheckpointStore({ backend, ownsBackend: true, claim: true, signal: stop.signal })
  await begun
  stop.abort(new Error("the job ends"))
  await expect(opening).rejects.toThrow("the job ends")
  await closed
})

test("an abort ends the opening at once, although the storage hangs, and all is closed behind it", async () => {
  const stop = new AbortController()
  const backend = new Closing()
  const begun = new Promise<void>((resolve) => {
    // The request does not hear its signal.
    backend.put = () => {
      resolve()
      return new Promise(() => {})
    }
  })
  const closed = new Promise<void>((resolve) => {
    backend[Symbol.asyncDispose] = async () => resolve()
  })
  const options = { backend, ownsBackend: true, claim: true, signal: stop.signal, timeoutMs: 500 } as const
  const opening = openCheckpointStore(options)
  await begun
  // Closing waits for the request until timeoutMs; the opening does not.
  const order: string[] = []
  const rejected = opening.catch((error: Error) => order.push(error.message))
  stop.abort(new Error("the job ends"))
  await Promise.all([rejected, closed.then(() => order.push("closed"))])
  expect(order).toEqual(["the job ends", "closed"])
})

test.each([0, 1, 2, 3, 4, 6, 8, 12])(
  "an abort %i turns after the claim took effect leaves no leader",
  async (turns) => {
    const stop = new AbortController()
    const backend = new Closing()
    const options = { backend, claim: true, signal: stop.signal } as const
    const onEvent = async ({ type }: { type: string }) => {
      if (type !== "claimed") return
      for (let turn = 0; turn < turns; turn++) await null
      stop.abort(new Error("the job ends"))
    }
    const opening = await openCheckpointStore({ ...options, onEvent }).then(
      (leader) => leader,
      () => undefined,
    )
    // Either the caller has the leader, or nobody has.
    if (opening !== undefined) return opening.close()
    const next = await openCheckpointStore({ backend })
    await expect
      .poll(
        async () => JSON.parse(new TextDecoder().decode(backend.stored.get("manifests/history.json")?.bytes)).writer,
      )
      .toBeUndefined()
    await next.close()
  },
)

test.each([true, false])("a signal that is aborted opens nothing, with claim: %s", async (claim) => {
  const backend = new Closing()
  const signal = AbortSignal.abort(new Error("the job ends"))
  await expect(openCheckpointStore({ backend, ownsBackend: true, claim, signal })).rejects.toThrow("the job ends")
  expect(backend.closed).toBe(1)
  expect(
    await rejectionOf(() => openCheckpointStore({ backend, signal: new AbortController() } as never)),
  ).toMatchObject({ code: "CKPT_INVALID" })
})

test("claim() by hand leaves the store that it came from open", async () => {
  const { store } = await opened()
  await (await store.claim()).close()
  expect(await store.ids()).toEqual([1, 2])
  expect(await rejectionOf(() => openCheckpointStore({ backend: new Objects(), claim: "yes" } as never))).toMatchObject(
    {
      code: "CKPT_INVALID",
    },
  )
})
