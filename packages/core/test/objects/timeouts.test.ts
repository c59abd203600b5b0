import { expect, test } from "vitest"
import { openObjects } from "../../src/index.js"
import { bytes, Objects as Memory, rejectionOf } from "../mistakes/support.js"
import { OwnedClock } from "../owned-clock.js"

/** A storage of which some requests hang until they are let go. */
class Hanging extends Memory {
  hangs: (what: string) => boolean = () => false
  readonly #held: (() => void)[] = []

  async #wait(what: string): Promise<void> {
    if (this.hangs(what)) await new Promise<void>((resolve) => this.#held.push(resolve))
  }

  get held(): number {
    return this.#held.length
  }

  letGo(): void {
    for (const one of this.#held.splice(0)) one()
  }

  override async put(...given: Parameters<Memory["put"]>) {
    await this.#wait(`put ${given[0]}`)
    return super.put(...given)
  }
  override async get(...given: Parameters<Memory["get"]>) {
    await this.#wait(`get ${given[0]}`)
    return super.get(...given)
  }
  override async *list(...given: Parameters<Memory["list"]>) {
    for await (const meta of super.list(...given)) {
      await this.#wait(`list ${meta.key}`)
      yield meta
    }
  }
}

async function prepared() {
  const backend = new Hanging()
  const clock = new OwnedClock()
  const objects = openObjects(backend, { clock, random: () => 0, timeoutMs: 60_000 })
  for (const key of ["a", "b", "c"]) await objects.create(key, bytes(key))
  /** Lets the time of one attempt pass once it hangs, beside so many that hang already. */
  const timesOut = async (others = 0) => {
    while (backend.held <= others) await new Promise((resolve) => setImmediate(resolve))
    await clock.advance(60_000)
  }
  return { backend, objects, timesOut }
}

test("a read that hangs is given up and made again; in the end it is CKPT_TIMEOUT", async () => {
  const { backend, objects, timesOut } = await prepared()
  let times = 1
  backend.hangs = () => times-- > 0
  const reading = objects.read("a")
  await timesOut()
  expect(new TextDecoder().decode((await reading)?.bytes)).toBe("a")
  backend.letGo()
  backend.hangs = () => true
  const failing = rejectionOf(() => objects.read("a"))
  for (let attempt = 0; attempt < 4; attempt++) await timesOut(attempt)
  expect(await failing).toMatchObject({ code: "CKPT_TIMEOUT", key: "a", retryable: true })
  backend.letGo()
})

test("a write that hangs and arrives late is settled as ours", async () => {
  const { backend, objects, timesOut } = await prepared()
  let times = 1
  backend.hangs = (what) => what === "put d" && times-- > 0
  const creating = objects.create("d", bytes("d"))
  await timesOut()
  backend.letGo()
  expect((await creating).outcome).toBe("created")
})

test("a listing that hangs goes on behind its last entry, and what comes late of it changes nothing", async () => {
  const { backend, objects, timesOut } = await prepared()
  let times = 1
  backend.hangs = (what) => what === "list b" && times-- > 0
  const listing = objects.list()
  await timesOut()
  backend.hangs = (what) => what === "list c"
  while (backend.held < 2) await new Promise((resolve) => setImmediate(resolve))
  // Now the first attempt gives its b, and the second one its c.
  backend.hangs = () => false
  backend.letGo()
  expect((await listing).map(({ key }) => key)).toEqual(["a", "b", "c"])
})
