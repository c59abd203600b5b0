// A program that uses what the packages export, compiled by the lowest and by the current TypeScript.
import { AzureBackend, type AzureStoreOptions, openAzureStore } from "@ckpt/azure"
import { backendCases, describeBackend, type TestStorage } from "@ckpt/conformance"
import {
  acceptCommitted,
  type CheckpointStore,
  copyStore,
  createCheckpointer,
  createManifest,
  type IssueCode,
  json,
  type StoreEvent,
} from "@ckpt/core"
import { httpError, lazySdk } from "@ckpt/core/adapter"
import { type FileApi, FsBackend, fromUrl, openFsStore } from "@ckpt/fs"
import { GcsBackend, openGcsStore } from "@ckpt/gcs"
import { CkptSaver, type CkptSaverOptions } from "@ckpt/langgraph"
import { MemoryBackend, openMemoryStore } from "@ckpt/memory"
import { fromUrl as fromS3Url, openS3Store, S3Backend } from "@ckpt/s3"

export async function job(store: CheckpointStore): Promise<ArrayBuffer | undefined> {
  const found = await store.recover({ accept: ({ pipelineHash }) => pipelineHash === 7n })
  if (found.outcome === "exhausted") throw new Error(found.reason)
  const bytes = await found.checkpoint?.operator("window")
  await store.save(createManifest({ checkpointId: found.nextId, epoch: 1, watermark: 1n }), {
    operators: { window: bytes ?? new Uint8Array(8) },
  })
  for await (const { id, issues } of store.list()) told(id, issues[0]?.code)
  // Memory of its own: `new Blob([bytes])` takes nothing else.
  return bytes && new Blob([bytes]).arrayBuffer()
}

export async function loop(from: CheckpointStore, to: CheckpointStore): Promise<void> {
  const { skipped } = await copyStore(from, to, { onProgress: ({ id, done }) => told(id + done, undefined) })
  await to.recover({ accept: acceptCommitted })
  const snapshot = () => ({ state: json({ skipped: skipped.length }), manifest: { watermark: 1n } })
  const checkpointer = createCheckpointer(to, { everyRecords: 1, snapshot })
  await checkpointer.tick()
  await checkpointer.close()
}

export async function agents(inlineBytes: number): Promise<CkptSaver[]> {
  const options: CkptSaverOptions = await fromUrl("file:./threads")
  return [new CkptSaver(options), new CkptSaver({ ...(await fromS3Url("s3://jobs/threads")), inlineBytes })]
}

// A type that a project cannot find is `any`, which takes everything.
// @ts-expect-error: an id is a number
export const mistaken = (store: CheckpointStore) => store.readState("1")

function told(_id: number, _code: IssueCode | undefined): void {}

export function tell(event: StoreEvent): string {
  return event.type === "retry" ? event.operation : event.type
}

export const backends = [AzureBackend, FsBackend, GcsBackend, MemoryBackend, S3Backend]
export const opens = [openAzureStore, openFsStore, openGcsStore, openMemoryStore, openS3Store]
export const adapter = [httpError, lazySdk]
export const conformance = [backendCases, describeBackend]
export type Options = AzureStoreOptions | TestStorage | FileApi
