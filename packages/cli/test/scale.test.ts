import { createManifest, manifestToJson, type ObjectBackend } from "@ckpt/core"
import { MemoryBackend } from "@ckpt/memory"
import { beforeAll, expect, test } from "vitest"
import { ckpt, memoryModule, objects } from "./ckpt.js"

declare global {
  var memoryBackends: Map<string, ObjectBackend> | undefined
}

const url = "memory:many"

/** A backend with so many checkpoints, and how many objects were read from it. */
async function filled(url: string, count: number) {
  const backend = new MemoryBackend()
  for (let id = 1; id <= count; id++) {
    const manifest = createManifest({ checkpointId: id, epoch: id, timestampMs: 1_772_323_200_000 + id })
    const key = `manifests/manifest-${String(id).padStart(6, "0")}.json`
    await backend.put(key, [Buffer.from(manifestToJson(manifest))])
  }
  const seen = { reads: 0 }
  const get = backend.get.bind(backend)
  backend.get = (...args) => {
    seen.reads++
    return get(...args)
  }
  globalThis.memoryBackends ??= new Map()
  globalThis.memoryBackends.set(url, backend)
  return seen
}

let seen: { reads: number }
beforeAll(async () => {
  seen = await filled(url, 10_000)
})

/** A listing, and how many objects were read when its first bytes were written. */
async function listed(...flags: string[]) {
  const before = seen.reads
  let reads: number | undefined
  const outcome = await ckpt(["ls", url, "--backend", memoryModule, ...flags], {
    onOutput() {
      reads ??= seen.reads - before
    },
  })
  expect(outcome.code).toBe(0)
  return { ...outcome, reads }
}

test("ls --json of 10,000 checkpoints tells the first before it has read the hundredth", async () => {
  const { reads, ...outcome } = await listed("--json")
  expect(objects(outcome)).toHaveLength(10_000)
  expect(reads).toBeLessThan(100)
})

test("ls of 10,000 checkpoints writes its table block by block", async () => {
  const { reads, stdout } = await listed()
  // Two reads for each row of the first block, and those that are read ahead.
  expect(reads).toBeLessThan(2000)
  const lines = stdout.trimEnd().split("\n")
  const heads = lines.filter((line) => line.includes("EPOCH"))
  // The names of the columns come again where an id has one digit more.
  expect(heads.length).toBeLessThanOrEqual(4)
  expect(lines).toHaveLength(10_000 + heads.length)
})
