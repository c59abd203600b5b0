import { BackendError } from "@ckpt/core"
import { expect, onTestFinished, test } from "vitest"
import { watch } from "../src/looking/watch.js"
import { ckpt, objects } from "./ckpt.js"
import { opened, seed } from "./seed.js"
import { flagsOf, memoryStorage, type Place } from "./storages.js"

/** A store that changes between a listing and the reading of what was listed. */
async function moving(count: number) {
  const place = await memoryStorage.newPlace()
  await seed(place, count)
  const found = await opened(place)
  onTestFinished(() => found.close())
  const { backend, store } = found
  const get = backend.get.bind(backend)
  return {
    ...{ place, store },
    /** Calls this once, before the manifest of a checkpoint is read. */
    beforeReading(id: number, act: () => Promise<void>) {
      let isDue = true
      backend.get = async (key, ...rest) => {
        if (isDue && key.endsWith(`manifest-${String(id).padStart(6, "0")}.json`)) {
          isDue = false
          await act()
        }
        return get(key, ...rest)
      }
    },
    failing(id: number, times: number) {
      let left = times
      backend.get = async (key, ...rest) => {
        if (key.endsWith(`manifest-${String(id).padStart(6, "0")}.json`) && left-- > 0)
          throw new BackendError("transient", "nobody answers")
        return get(key, ...rest)
      }
    },
  }
}

const verify = (place: Place, ...args: string[]) => ckpt(["verify", place.url, ...args, ...flagsOf(place)])

test("verify takes what retention removes meanwhile for no damage", async () => {
  const { place, store, beforeReading } = await moving(5)
  beforeReading(3, async () => void (await store.remove(3)))
  const { code, ...outcome } = await verify(place, "--all", "--json")
  const told = objects(outcome)
  expect(told.map(({ id }) => id)).toEqual([1, 2, 4, 5, undefined])
  expect(told.at(-1)).toMatchObject({ checked: 4, damaged: 0, gone: [3] })
  expect(code).toBe(0)
})

test("verify that has nothing left to verify calms nobody", async () => {
  const { place, store, beforeReading } = await moving(5)
  beforeReading(3, async () => void (await store.remove(3)))
  expect(await verify(place, "3")).toMatchObject({
    ...{ code: 1, stdout: "" },
    stderr: expect.stringContaining("checkpoint 3 does not exist"),
  })
})

/** The events of a watch, one by one, so that the store moves between two looks and not beside them. */
function watched({ store }: Pick<Awaited<ReturnType<typeof moving>>, "store">) {
  const stop = new AbortController()
  const events = watch(store, { everyMs: 1, signal: stop.signal })
  onTestFinished(() => stop.abort(new Error("seen")))
  return async () => {
    const { value } = await events.next()
    return "id" in value ? `${value.kind} ${value.id}` : value.kind
  }
}

test("watch does not tell a checkpoint that was removed before it was looked at", async () => {
  const { store, beforeReading } = await moving(1)
  const next = watched({ store })
  expect(await next()).toBe("latest 1")
  for (const _ of [2, 3]) await store.saveNext()
  beforeReading(2, async () => void (await store.remove(2)))
  expect(await next()).toBe("new 3")
})

test("watch tells each checkpoint once, though the storage fails between two", async () => {
  const { store, failing } = await moving(1)
  const next = watched({ store })
  expect(await next()).toBe("latest 1")
  for (const _ of [2, 3]) await store.saveNext()
  // More than the attempts of one request.
  failing(3, 6)
  expect(await next()).toBe("new 2")
  expect(await next()).toBe("outage")
  expect(await next()).toBe("new 3")
})

test("watch of a place without any checkpoint says once that it waits, and then tells the first as new", async () => {
  const { place, store } = await moving(0)
  const next = watched({ store })
  expect(await next()).toBe("none")
  await store.saveNext()
  expect(await next()).toBe("new 1")
  const empty = await memoryStorage.newPlace()
  const stop = new AbortController()
  const writer = await opened(empty)
  const watching = ckpt(["watch", empty.url, "--every", "5ms", "--count", "1", ...flagsOf(place)], {
    signal: stop.signal,
    onNote: (text) => text.includes("no checkpoint is there yet") && void writer.store.saveNext(),
  })
  expect(await watching).toMatchObject({ code: 0, stderr: expect.stringContaining("is the URL right?") })
  await writer.close()
})
