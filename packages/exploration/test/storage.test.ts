import { BackendError, type ObjectBackend } from "@ckpt/core"
import { MemoryBackend } from "@ckpt/memory"
import { expect, test } from "vitest"
import { Random } from "../src/scenario/random.js"
import { direct } from "../src/storage/direct.js"
import { maxBehind, SimulatedStorage } from "../src/storage/storage.js"

const keys = ["a/1", "a/2", "a/22", "b/1"]

/** Makes one request that `random` draws. Its outcome names no version, since storages number versions differently. */
async function ask(backend: ObjectBackend, random: Random, versions: Map<string, string[]>): Promise<unknown> {
  const key = random.among(keys)
  const body = [new Uint8Array(random.below(4)).fill(random.below(3)), new Uint8Array(random.below(2))]
  const seen = versions.get(key) ?? []
  const version = seen[seen.length - 1 - random.below(2)] ?? "none"
  const when = random.among(["absent", { version }, undefined] as const)
  const range = random.among([
    undefined,
    { offset: random.below(5), length: random.below(3) },
    { offset: random.below(5) },
  ])
  const ifVersion = random.among([undefined, undefined, version])
  const meta = (one: { key: string; size: number; version: string; lastModified: Date } | undefined) =>
    one && [one.key, one.size, seen.indexOf(one.version), one.lastModified.getTime()]
  switch (random.below(5)) {
    case 0: {
      const put = await backend.put(key, body, { when })
      versions.set(key, [...seen, put.version])
      return ["put", put.key, put.size]
    }
    case 1: {
      const content = await backend.get(key, { range, ifVersion })
      if (content === undefined) return ["get", undefined]
      const chunks: Uint8Array[] = []
      for await (const chunk of content.body) chunks.push(chunk)
      return ["get", meta(content.meta), [...Buffer.concat(chunks)]]
    }
    case 2:
      return ["head", meta(await backend.head(key))]
    case 3: {
      const found: string[] = []
      for await (const one of backend.list(random.among(["", "a/", "a/2", "c"]))) found.push(one.key)
      return ["list", found.sort()]
    }
    default:
      return ["delete", await backend.delete([key, random.among(keys)])]
  }
}

test("the simulated storage answers as the memory backend does", async () => {
  for (let seed = 1; seed <= 300; seed++) {
    const storage = new SimulatedStorage()
    const simulated = { backend: direct(storage), random: new Random(seed), versions: new Map<string, string[]>() }
    const memory = {
      backend: new MemoryBackend({ now: () => storage.now }),
      random: new Random(seed),
      versions: new Map<string, string[]>(),
    }
    for (let step = 0; step < 40; step++) {
      if (step % 7 === 0) storage.now += 1_000
      const [ours, theirs] = await Promise.all(
        [simulated, memory].map(async ({ backend, random, versions }) => {
          try {
            return await ask(backend, random, versions)
          } catch (error) {
            if (!(error instanceof BackendError)) throw error
            return error.kind
          }
        }),
      )
      expect(ours, `seed ${seed}, step ${step}`).toEqual(theirs)
    }
  }
})

test("a page that lags shows the objects as they were so many changes ago, and none from before the start", () => {
  for (let seed = 1; seed <= 100; seed++) {
    const random = new Random(seed)
    const before = new SimulatedStorage()
    before.put("a/1", new Uint8Array(1), undefined)
    before.put("a/2", new Uint8Array(1), undefined)
    const storage = new SimulatedStorage({}, before)
    const seen = [storage.page("", "", 100)]
    for (let change = 0; change < 20; change++) {
      const key = random.among(keys)
      if (random.chance(0.3) && storage.objects.has(key)) storage.delete([key])
      else storage.put(key, new Uint8Array(random.below(4)), undefined)
      seen.push(storage.page("", "", 100))
      for (let behind = 0; behind <= maxBehind; behind++) {
        const then = seen[Math.max(0, seen.length - 1 - behind)]
        expect(storage.page("", "", 100, behind), `seed ${seed}, change ${change}`).toEqual(then)
      }
    }
  }
})
