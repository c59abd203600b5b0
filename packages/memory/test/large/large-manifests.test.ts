import {
  type CheckpointStore,
  createManifest,
  type GetOptions,
  type ObjectContent,
  type ObjectMeta,
  openCheckpointStore,
  type RequestOptions,
} from "@ckpt/core"
import { describe, expect, test } from "vitest"
import { MemoryBackend } from "../../src/index.js"

const MiB = 1024 * 1024
/** What `docs/decisions/recovery.md` says. */
const bound = 32 * MiB
const turns = async (count: number) => {
  for (let n = 0; n < count; n++) await new Promise((resolve) => setImmediate(resolve))
}

/** Counts the bytes of manifests that are on their way, and those from their request to the last look at their state. */
class CountingBackend extends MemoryBackend {
  /** Listings show no states, so each look at a checkpoint ends with a request for its state. */
  hidesStates = false
  readonly gets: string[] = []
  /** The sizes that are on their way together, at each moment at which there is one more. */
  readonly onTheirWay: number[][] = []
  /** Those that are on their way, or were read and not let go of. */
  readonly held: number[][] = []
  readonly #moving = new Map<symbol, number>()
  readonly #stays = new Map<string, number>()

  override async *list(prefix: string, options?: RequestOptions): AsyncGenerator<ObjectMeta> {
    for await (const meta of super.list(prefix, options)) {
      if (!this.hidesStates || !meta.key.includes("state")) yield meta
    }
  }

  override async get(key: string, options?: GetOptions): Promise<ObjectContent | undefined> {
    const content = await super.get(key, options)
    if (content === undefined || !key.includes("manifest-")) return content
    this.gets.push(key)
    const { size } = content.meta
    const one = Symbol()
    const start = () => {
      this.#moving.set(one, size)
      this.onTheirWay.push([...this.#moving.values()])
      this.#stays.set(idOf(key), size)
      this.held.push([...this.#stays.values()])
    }
    const end = () => this.#moving.delete(one)
    const { body } = content
    return { ...content, body: slowly(body, start, end) }
  }

  override async head(key: string, options?: RequestOptions): Promise<ObjectMeta | undefined> {
    await turns(20)
    if (key.includes("state")) this.#stays.delete(idOf(key))
    return super.head(key, options)
  }
}

const idOf = (key: string) => /\d{6}/.exec(key)?.[0] ?? ""
const sum = (all: Iterable<number>) => [...all].reduce((total, one) => total + one, 0)

async function* slowly(body: AsyncIterable<Uint8Array>, start: () => void, end: () => void) {
  start()
  try {
    for await (const chunk of body) {
      await turns(5)
      yield chunk
    }
  } finally {
    end()
  }
}

const sizes = [6, 6, 6, 40, 6, 6, 6, 6, 6, 6, 6, 6].map((size) => size * MiB)

async function filled(): Promise<CountingBackend> {
  const backend = new CountingBackend()
  const store = await openCheckpointStore({ backend })
  for (const [at, size] of sizes.entries()) {
    const offsets = { text: "x".repeat(size) }
    const manifest = createManifest({ checkpointId: at + 1, epoch: 1, sourceOffsets: { s: { epoch: 1, offsets } } })
    await store.save(manifest, { state: Buffer.from("state") })
  }
  await store.close()
  return backend
}

/** Together they are within the bound, or it is one manifest alone. */
function expectBound(moments: readonly (readonly number[])[]): void {
  for (const sizes of moments) if (sizes.length > 1) expect(sum(sizes)).toBeLessThanOrEqual(bound)
  // Several at a time, all the same.
  expect(Math.max(...moments.map((sizes) => sizes.length))).toBeGreaterThan(1)
  expect(moments).toContainEqual([expect.toSatisfy((size: number) => size > bound)])
}

async function summaries(store: CheckpointStore): Promise<boolean[]> {
  const valid: boolean[] = []
  for await (const summary of store.list()) valid.push(summary.valid)
  return valid
}

describe("manifests of 106 MiB together, one of them larger than the bound", () => {
  test.each<[string, (store: CheckpointStore) => Promise<unknown>]>([
    ["list", async (store) => expect(await summaries(store)).toEqual(sizes.map(() => true))],
    ["prune", async (store) => expect((await store.prune({ last: 3 }, { dryRun: true })).removed).toHaveLength(9)],
  ])("%s holds no more than the bound until they are judged, and asks for none in vain", async (_, run) => {
    const backend = await filled()
    backend.hidesStates = true
    await using store = await openCheckpointStore({ backend })
    await run(store)
    // The bytes that were asked for were read.
    expect(backend.gets).toHaveLength(backend.onTheirWay.length)
    expectBound(backend.held)
  })

  test("recover reads ahead within the bound, past damaged ones", async () => {
    const backend = await filled()
    for (let id = 2; id <= sizes.length; id++) {
      const key = `manifests/manifest-${String(id).padStart(6, "0")}.json`
      const meta = await backend.head(key)
      if (meta === undefined) return expect.fail()
      await backend.put(key, [new Uint8Array(meta.size)], { when: { version: meta.version } })
    }
    await using store = await openCheckpointStore({ backend })
    const recovery = await store.recover()
    expect([recovery.checkpoint?.id, recovery.skipped.length]).toEqual([1, sizes.length - 1])
    expectBound(backend.onTheirWay)
  })

  test("loads at the same time, of sizes that no listing told, are within the bound, and leave nothing open", async () => {
    const backend = await filled()
    await using store = await openCheckpointStore({ backend })
    const abort = new AbortController()
    const aborted = sizes.map((_, at) => store.load(at + 1, { signal: abort.signal }))
    const all = Promise.all(sizes.map((_, at) => store.load(at + 1)))
    abort.abort(new Error("enough"))
    for (const one of aborted) await expect(one).rejects.toThrow("enough")
    expect((await all).map((manifest) => manifest?.checkpointId)).toEqual(sizes.map((_, at) => at + 1))
    expectBound(backend.onTheirWay)
  })
})

test("a listing of a manifest with 100,000 faults has a hundred and one issues, and lets the event loop go round", async () => {
  const backend = new MemoryBackend()
  const names = Array.from({ length: 100_000 }, (_, at) => `"operator-${at}":{"state_b64":"!"}`)
  const text = `{"version":1,"checkpoint_id":1,"epoch":1,"timestamp_ms":1,"vnode_count":256,"operator_states":{${names.join(",")}}}`
  await backend.put("manifests/manifest-000001.json", [Buffer.from(text)], { when: "absent" })
  await using store = await openCheckpointStore({ backend })
  let rounds = 0
  let isOver = false
  const round = () => {
    rounds++
    if (!isOver) setImmediate(round)
  }
  setImmediate(round)
  const found = []
  for await (const summary of store.list()) found.push(summary)
  isOver = true
  expect(found).toMatchObject([{ id: 1, valid: false }])
  expect(found[0]?.issues).toHaveLength(101)
  expect(found[0]?.issues.at(-1)?.message).toBe(
    "99900 more issues of the code operator-base64; the first 100 are told one by one",
  )
  // One for each 64 KiB, and one for each 4,096 operators decoded, and checked.
  expect(rounds).toBeGreaterThan(Math.floor(text.length / 65_536) + 2 * Math.floor(names.length / 4096))
})
