import { type ObjectBackend, openCheckpointStore } from "@ckpt/core"
import { BackendError, MemoryBackend } from "@ckpt/memory"
import { expect, test } from "vitest"
import { Door } from "../../src/page/door.js"
import { Looker } from "../../src/page/look.js"
import type { OpenedStore } from "../../src/stores/opened.js"
import { writeMany } from "./job.js"
import { ask, bearer, listed, memoryStore, read, send, serve } from "./serving.js"

/** Memory that fails, or stands still, when it is told to. */
class TroubledBackend extends MemoryBackend {
  trouble: (() => Promise<never>) | undefined

  override list(...args: Parameters<MemoryBackend["list"]>): ReturnType<MemoryBackend["list"]> {
    const { trouble } = this
    if (trouble === undefined) return super.list(...args)
    return (async function* (): AsyncGenerator<never> {
      yield await trouble()
    })() as ReturnType<MemoryBackend["list"]>
  }
}

async function troubled(timeoutMs = 30_000): Promise<{ backend: TroubledBackend; opened: OpenedStore }> {
  const backend = new TroubledBackend()
  const retry = { attempts: 1 }
  const store = await openCheckpointStore({ backend: backend as ObjectBackend, retry, timeoutMs })
  await store.saveNext({})
  return {
    backend,
    opened: {
      url: "memory:job",
      name: "job",
      layout: "objects",
      prefix: "",
      store,
      backend,
      close: () => store.close(),
    },
  }
}

test("a storage that fails is told with its code and what to do, beside what was known before", async () => {
  const { backend, opened } = await troubled()
  const page = await serve([opened, await memoryStore("other")])
  await listed(page)
  backend.trouble = async () => {
    throw new BackendError("denied", "the key was revoked <b>")
  }
  await send(page, "/s/job/look", {})
  const { status, body } = await read(page, "/s/job/")
  expect(status).toBe(200)
  expect(body).toMatch(/<code>CKPT_DENIED<\/code>[\s\S]*revoked &lt;b&gt;[\s\S]*Give this process credentials/)
  expect(body).toContain('<a href="/s/job/c/1">1</a>')
  expect((await read(page, "/")).body).toMatch(/CKPT_DENIED[\s\S]*<h2><a href="\/s\/other\/">/)
  expect((await read(page, "/metrics")).body).toMatch(/ckpt_up\{store="job"[^}]*\} 0\nckpt_up\{store="other"[^}]*\} 1/)
  // It works again, and so does the page.
  backend.trouble = undefined
  await send(page, "/s/job/look", {})
  expect((await read(page, "/s/job/")).body).not.toContain("CKPT_DENIED")
})

test("a storage that stands still holds up no page: each says how far it is, and a late answer is shown", async () => {
  const { backend, opened } = await troubled()
  let answer = (): void => {}
  const still = new Promise<void>((resolve) => {
    answer = resolve
  })
  backend.trouble = async () => {
    await still
    throw new BackendError("permanent", "late, and no")
  }
  const page = await serve([opened])
  const views = ["/s/job/", "/s/job/state", "/s/job/sources", "/s/job/verify", "/s/job/prune"]
  const [metrics, ...pages] = await Promise.all(["/metrics", ...views].map((path) => read(page, path)))
  expect(metrics?.status).toBe(200)
  for (const { status, body } of pages) {
    expect(status).toBe(200)
    expect(body).toContain("<b>0</b> checkpoints read so far")
  }
  answer()
  await expect.poll(async () => (await read(page, "/s/job/")).body).toContain("late, and no")
})

test("a store that cannot be opened yet is opened when it can be", async () => {
  const opened = await memoryStore("late")
  let isThere = false
  const late = {
    ...{ url: "memory:late", name: "late" },
    async open() {
      if (!isThere) throw new BackendError("permanent", "the volume is not mounted")
      return opened
    },
  }
  const page = await serve([late])
  expect((await read(page, "/s/late/")).body).toContain("the volume is not mounted")
  isThere = true
  await send(page, "/s/late/look", {})
  expect((await read(page, "/s/late/")).body).toContain("none of 0")
  await opened.close()
})

test("somebody who watches hears of a new checkpoint, a damaged one, and of nothing else", async () => {
  const opened = await memoryStore("job")
  await opened.store.saveNext({})
  const page = await serve([opened])
  const heard = new AbortController()
  const answer = await fetch(`${page.origin}/s/job/live`, { headers: bearer, signal: heard.signal })
  const events = answer.body!.pipeThrough(new TextDecoderStream()).getReader()
  const next = async (what: RegExp): Promise<void> => {
    let text = ""
    while (!what.test(text)) {
      const { value, done } = await events.read()
      if (done) throw new Error(`the events ended: ${text}`)
      text += value
    }
  }
  await next(/event: state\ndata: .*"job"/)
  await opened.store.saveNext({})
  await next(/event: state\ndata: .*"job"/)
  expect((await read(page, "/s/job/")).body).toContain("1 to 2 of 2")
  await send(page, "/s/job/verify", { which: "latest" })
  await next(/event: state\ndata: .*"job"/)
  heard.abort()
})

test("a look at 100,000 checkpoints lets others have their turn, many times, and so do the charts' data", async () => {
  const backend = new MemoryBackend()
  await writeMany(backend, 100_000, 1)
  const page = await serve([await memoryStore("large", { backend, readOnly: true })])
  /** How many requests are answered, one after the other, before `done` is. */
  const answeredDuring = async (done: Promise<unknown>): Promise<number> => {
    let isDone = false
    const end = done.then(() => {
      isDone = true
    })
    let answered = 0
    for (; !isDone; answered++) expect((await ask(`${page.origin}/assets/icon.svg`)).status).toBe(200)
    await end
    return answered
  }
  expect(await answeredDuring(listed(page))).toBeGreaterThan(50)
  const data = read(page, "/s/large/data/timeline").then(({ body }) => JSON.parse(body))
  expect(await answeredDuring(data)).toBeGreaterThan(10)
  expect((await data).ids).toHaveLength(100_000)
  expect((await read(page, "/s/large/")).body).toContain("99,901 to 100,000 of 100,000")
  expect((await read(page, "/s/large/?show=damaged")).body).toContain("none of 0")
}, 120_000)

test("a look that sees the same is no news; a pin is", async () => {
  const opened = await memoryStore("job")
  await opened.store.saveNext({})
  const looker = new Looker(new Door({ ...opened, open: async () => opened }), () => {})
  const numbers: (number | undefined)[] = []
  const look = async () => {
    await looker.look()
    numbers.push(looker.now.listing?.number)
  }
  await look()
  await look()
  await opened.store.pin(1, "mine")
  await look()
  await opened.store.saveNext({})
  await look()
  expect(numbers).toEqual([1, 1, 2, 3])
  await looker.close()
  await opened.close()
})

test("one look at a time, whoever asks; nobody waits longer than they want", async () => {
  const opened = await memoryStore("job")
  await opened.store.saveNext({})
  let looks = 0
  const list = opened.store.list.bind(opened.store)
  const store = Object.create(opened.store, {
    list: {
      value: (...args: Parameters<typeof list>) => {
        looks++
        return list(...args)
      },
    },
  })
  const looker = new Looker(new Door({ ...opened, open: async () => ({ ...opened, store }) }), () => {})
  await Promise.all([
    looker.look(),
    looker.look(),
    looker.recent(0, 1_000),
    looker.recent(Number.POSITIVE_INFINITY, 1_000),
  ])
  expect(looks).toBe(1)
  expect(looker.now.listing?.checkpoints.map(({ id }) => id)).toEqual([1])
  await looker.recent(Number.POSITIVE_INFINITY, 1_000)
  expect(looks).toBe(1)
  await looker.close()
  await opened.close()
})
