import { type CheckpointManifest, type CheckpointStore, createManifest } from "@ckpt/core"
import type { ProxiedRequest } from "@ckpt/fault-proxy"
import type { Cloud, RequestKind, SeenRequest } from "../clouds/cloud.js"

export const latestBefore = 4
export const newId = 5

export function manifestOf(id: number): CheckpointManifest {
  return createManifest({
    checkpointId: id,
    epoch: id,
    timestampMs: 1_700_000_000_000 + id,
    sourceOffsets: { orders: { epoch: id, offsets: { "0": `${id * 1000}` } } },
  })
}

/** Several chunks of a download. */
export function stateOf(id: number): Uint8Array {
  return new Uint8Array(300_000).map((_, index) => (index * 31 + (index >>> 8) + id) & 0xff)
}

/** Over the size of a part on every cloud: two parts. */
export const longState = new Uint8Array(10 * 1024 * 1024).map((_, index) => (index * 31) >>> 8)

async function* inChunks(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  for (let offset = 0; offset < bytes.length; offset += 1024 * 1024) yield bytes.subarray(offset, offset + 1024 * 1024)
}

/** An operation of a store, and the request of it that is broken. */
export interface Operation {
  /** The name of the request in the table. */
  readonly name: string
  readonly does: "save" | "update" | "recover" | "prune" | "collect"
  /** The state is longer than one part. */
  readonly inParts?: boolean
  /** The request moves a hint: it is made once, and an operation whose request fails succeeds all the same. */
  readonly isHint?: boolean
  readonly hasRequestBody: boolean
  /** False if the answer of success is empty on this service, so that it cannot be cut. */
  readonly hasAnswerBody: (cloud: Cloud) => boolean
  readonly afterBytes: number
  /** Done before, without a fault. */
  before?(store: CheckpointStore): Promise<unknown>
  run(store: CheckpointStore): Promise<unknown>
  matches(seen: SeenRequest, request: ProxiedRequest): boolean
}

const manifestKey = (id: number) => `manifests/manifest-${String(id).padStart(6, "0")}.json`
const stateKey = (id: number) => `checkpoints/state-${String(id).padStart(6, "0")}.bin`
const is = (kind: RequestKind, key?: string) => (seen: SeenRequest) =>
  seen.kind === kind && (key === undefined || seen.key === key)

const saveWithState = (store: CheckpointStore) => store.save(manifestOf(newId), { state: stateOf(newId) })
// A state that can be read only once.
const saveLong = (store: CheckpointStore) => store.save(manifestOf(newId), { state: inChunks(longState) })
/** The first change creates the history. */
async function withHistory(store: CheckpointStore): Promise<void> {
  await store.pin(1, "first")
  await store.unpin("first")
}

const historyKey = "manifests/history.json"
const answersWrites = ({ name }: Cloud) => name === "gcs"

export const operations: readonly Operation[] = [
  {
    name: "create state",
    does: "save",
    hasRequestBody: true,
    hasAnswerBody: answersWrites,
    afterBytes: 20,
    run: saveWithState,
    matches: is("put", stateKey(newId)),
  },
  {
    name: "create manifest",
    does: "save",
    hasRequestBody: true,
    hasAnswerBody: answersWrites,
    afterBytes: 60,
    run: saveWithState,
    matches: is("put", manifestKey(newId)),
  },
  {
    name: "read history",
    does: "save",
    hasRequestBody: false,
    hasAnswerBody: () => true,
    afterBytes: 100,
    before: withHistory,
    run: saveWithState,
    matches: is("get", historyKey),
  },
  {
    name: "swap pointer",
    does: "save",
    isHint: true,
    hasRequestBody: true,
    hasAnswerBody: answersWrites,
    afterBytes: 12,
    run: saveWithState,
    matches: is("put", "manifests/latest.json"),
  },
  {
    name: "swap manifest",
    does: "update",
    hasRequestBody: true,
    hasAnswerBody: answersWrites,
    afterBytes: 60,
    run: (store) => store.update(latestBefore, (current) => ({ ...current, sinkEpochs: { out: newId } })),
    matches: is("put", manifestKey(latestBefore)),
  },
  {
    name: "part",
    does: "save",
    inParts: true,
    hasRequestBody: true,
    hasAnswerBody: () => false,
    afterBytes: 1_000_000,
    run: saveLong,
    matches: is("part", stateKey(newId)),
  },
  {
    name: "completion",
    does: "save",
    inParts: true,
    hasRequestBody: true,
    hasAnswerBody: ({ name }) => name !== "azure",
    afterBytes: 30,
    run: saveLong,
    matches: is("completion", stateKey(newId)),
  },
  {
    name: "get manifest",
    does: "recover",
    hasRequestBody: false,
    hasAnswerBody: () => true,
    afterBytes: 100,
    run: (store) => store.recover(),
    matches: is("get", manifestKey(latestBefore)),
  },
  {
    name: "get state",
    does: "recover",
    hasRequestBody: false,
    hasAnswerBody: () => true,
    afterBytes: 10,
    run: (store) => store.recover(),
    matches: is("get", stateKey(latestBefore)),
  },
  {
    name: "list",
    does: "recover",
    hasRequestBody: false,
    hasAnswerBody: () => true,
    afterBytes: 150,
    run: (store) => store.recover(),
    matches: (seen, request) => seen.kind === "list" && request.query.get("prefix") === "manifests/",
  },
  {
    name: "list, collecting",
    does: "collect",
    hasRequestBody: false,
    hasAnswerBody: () => true,
    afterBytes: 150,
    run: (store) => store.collectOrphans({ olderThanMs: 0 }),
    matches: (seen, request) => seen.kind === "list" && request.query.get("prefix") === "manifests/",
  },
  {
    name: "swap history",
    does: "prune",
    hasRequestBody: true,
    hasAnswerBody: answersWrites,
    afterBytes: 60,
    before: withHistory,
    run: (store) => store.prune({ last: 1 }),
    matches: is("put", historyKey),
  },
  {
    name: "delete",
    does: "prune",
    hasRequestBody: false,
    hasAnswerBody: ({ name }) => name !== "gcs",
    afterBytes: 60,
    run: (store) => store.prune({ last: 1 }),
    matches: is("delete"),
  },
]
