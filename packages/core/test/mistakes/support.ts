import { expect, test } from "vitest"
import { inOrder, isRange } from "../../src/adapter/in-order.js"
import {
  BackendError,
  type Body,
  type CheckpointErrorCode,
  type CheckpointStore,
  createManifest,
  type GetOptions,
  type ListRangeOptions,
  type ObjectBackend,
  type ObjectContent,
  type ObjectMeta,
  openCheckpointStore,
  type PutOptions,
  type StoreOptions,
} from "../../src/index.js"

/** Objects in memory. It remembers the requests that were made. */
export class Objects implements ObjectBackend {
  readonly name = "objects"
  readonly capabilities = { compareAndSwap: "storage", maxDeleteBatch: 1000 } as const
  readonly requests: string[] = []
  readonly stored = new Map<string, { readonly bytes: Uint8Array; readonly meta: ObjectMeta }>()
  /** Thrown by the next puts. */
  failure: BackendError | undefined
  #versions = 0

  async put(key: string, body: Body, { when }: PutOptions = {}): Promise<ObjectMeta> {
    this.requests.push(`put ${key}`)
    if (this.failure !== undefined) throw this.failure
    const chunks: Uint8Array[] = []
    for await (const chunk of body) chunks.push(new Uint8Array(chunk))
    const current = this.stored.get(key)
    const holds = when === undefined || (when === "absent" ? !current : current?.meta.version === when.version)
    if (!holds) throw new BackendError("precondition", `${key} has another version`)
    const bytes = new Uint8Array(Buffer.concat(chunks))
    const meta = { key, size: bytes.length, version: `v${++this.#versions}`, lastModified: new Date() }
    this.stored.set(key, { bytes, meta })
    return meta
  }

  async get(key: string, { range }: GetOptions = {}): Promise<ObjectContent | undefined> {
    this.requests.push(`get ${key}`)
    const found = this.stored.get(key)
    if (found === undefined) return undefined
    const { offset = 0, length = found.bytes.length } = range ?? {}
    const body = (async function* () {
      yield found.bytes.slice(offset, offset + length)
    })()
    return { meta: found.meta, body }
  }

  async head(key: string): Promise<ObjectMeta | undefined> {
    this.requests.push(`head ${key}`)
    return this.stored.get(key)?.meta
  }

  async *list(prefix: string, range: ListRangeOptions = {}): AsyncGenerator<ObjectMeta, void, void> {
    this.requests.push(`list ${prefix}`)
    const metas = [...this.stored.values()].map(({ meta }) => meta).filter(({ key }) => key.startsWith(prefix))
    yield* isRange(range) ? await inOrder(metas, range) : metas
  }

  async delete(keys: readonly string[]): Promise<[]> {
    this.requests.push(`delete ${keys.join(" ")}`)
    for (const key of keys) this.stored.delete(key)
    return []
  }

  async now(): Promise<Date> {
    return new Date()
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

export const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text)
export const manifest = (id: number) => createManifest({ checkpointId: id, epoch: id, timestampMs: 1_000 })

export async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield bytes(text)
}

export interface Context {
  readonly backend: Objects
  readonly store: CheckpointStore
  open(options?: StoreOptions): Promise<CheckpointStore>
}

/** What is done wrong; how; the code of the rejection; words of its message. */
export type Mistake = readonly [
  argument: string,
  run: (context: Context) => unknown,
  code: CheckpointErrorCode,
  ...words: string[],
]

/** The store has checkpoints 1 and 2; 2 has the operators "window" and "counts". */
export async function opened(): Promise<Context> {
  const backend = new Objects()
  const open = (options: StoreOptions = {}) => openCheckpointStore({ ...options, backend })
  const store = await open()
  await store.save(manifest(1), { state: bytes("one") })
  await store.save(manifest(2), { operators: { window: bytes("w"), counts: bytes("c") } })
  return { backend, store, open }
}

export async function rejectionOf(run: () => unknown): Promise<unknown> {
  try {
    await run()
  } catch (error) {
    return error
  }
  return undefined
}

/** Each mistake is a test: it is refused by name, and nothing is changed. */
export function testMistakes(mistakes: readonly Mistake[]): void {
  const rows = mistakes.map(([argument, run, code, ...words]) => ({ argument, run, code, words }))
  test.each(rows)("$argument", async ({ run, code, words }) => {
    const context = await opened()
    const before = [...context.backend.stored.keys()].sort()
    const error = await rejectionOf(() => run(context))
    expect(error).toMatchObject({ name: "CheckpointError", code })
    for (const word of words) expect((error as Error).message).toContain(word)
    expect([...context.backend.stored.keys()].sort()).toEqual(before)
  })
}
