import { describe, expect, test } from "vitest"
import { CkptSaver } from "../src/index.js"
import { clouds, fs } from "./storages.js"
import { checkpointOf, large, putOn, threadOf } from "./threads.js"

describe.each([fs, ...clouds])("$name", ({ name, isThere, create }) => {
  test.skipIf(!isThere)("a saver by its URL is the saver by its backend and prefix", async () => {
    await using place = await create()
    const at = await place.fromUrl?.("team/threads")
    if (at === undefined) throw new Error(`${name} has no URL`)
    const saver = new CkptSaver(at)
    const config = await putOn(saver, threadOf("t"), checkpointOf({ text: large("text") }))
    const written = await saver.getTuple(config)
    await saver.close()
    const same = new CkptSaver({ backend: place.open(), prefix: "team/threads" })
    expect(await same.getTuple(threadOf("t"))).toEqual(written)
    const neighbour = new CkptSaver({ backend: place.open(), prefix: "team/thread" })
    expect(await neighbour.getTuple(threadOf("t"))).toBeUndefined()
  })
})

test("an await that was forgotten is told", async () => {
  await using place = await fs.create()
  const forgotten = place.fromUrl?.("threads")
  const message = expect.stringContaining("what fromUrl(url) resolves to")
  for (const options of [forgotten, { ...forgotten }])
    expect(() => new CkptSaver(options as never)).toThrow(expect.objectContaining({ code: "CKPT_INVALID", message }))
})

test("what a URL resolves to is no backend, but has one", async () => {
  await using place = await fs.create()
  const given = { backend: await place.fromUrl?.("threads") }
  const message = expect.stringContaining(
    "give a storage, such as new FsBackend(root), or the backend of what fromUrl(url) resolves to",
  )
  expect(() => new CkptSaver(given as never)).toThrow(expect.objectContaining({ code: "CKPT_INVALID", message }))
})
