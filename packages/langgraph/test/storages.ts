import { randomUUID } from "node:crypto"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3"
import { BlobServiceClient } from "@azure/storage-blob"
import { AzureBackend, fromUrl as fromAzureUrl } from "@ckpt/azure"
import type { ObjectBackend, StoragePlace } from "@ckpt/core"
import { FsBackend, fromUrl as fromFsUrl } from "@ckpt/fs"
import { fromUrl as fromGcsUrl, GcsBackend } from "@ckpt/gcs"
import { MemoryBackend } from "@ckpt/memory"
import { fromUrl as fromS3Url, S3Backend } from "@ckpt/s3"
import { Storage } from "@google-cloud/storage"
import { inject } from "vitest"
import type {} from "../../cloud-tests/test/global-setup.js"

/** An empty place on a storage. */
export interface EmptyPlace extends AsyncDisposable {
  /** One more client of the same place, as another process would have. */
  open(): ObjectBackend
  /** The same place by its URL. Memory has none. */
  fromUrl?(prefix: string): Promise<StoragePlace>
}

export interface StorageKind {
  readonly name: string
  /** False on a machine that cannot run the server. */
  readonly isThere: boolean
  create(): Promise<EmptyPlace>
}

const s3 = inject("s3")
const azure = inject("azure")
const nothing = async () => {}

export const memory: StorageKind = {
  name: "memory",
  isThere: true,
  async create() {
    const backend = new MemoryBackend()
    return { open: () => backend, [Symbol.asyncDispose]: nothing }
  },
}

/** A folder that is gone at the end. */
export async function newFolder(): Promise<{ readonly root: string } & EmptyPlace> {
  const root = await mkdtemp(join(tmpdir(), "ckpt-langgraph-"))
  return {
    root,
    open: () => new FsBackend(root),
    fromUrl: (prefix) => fromFsUrl(pathToFileURL(join(root, prefix)).href),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  }
}

export const fs: StorageKind = { name: "fs", isThere: true, create: newFolder }

export const clouds: readonly StorageKind[] = [
  {
    name: "s3",
    isThere: s3 !== undefined,
    async create() {
      const { accessKeyId = "", secretAccessKey = "", region = "", endpoint = "" } = s3 ?? {}
      const credentials = { accessKeyId, secretAccessKey }
      const options = () => ({ endpoint, region, forcePathStyle: true, credentials: { ...credentials } })
      const client = new S3Client(options())
      const bucket = `t-${randomUUID()}`
      await client.send(new CreateBucketCommand({ Bucket: bucket }))
      return {
        open: () => new S3Backend({ client, bucket }),
        fromUrl: (prefix) => fromS3Url(`s3://${bucket}/${prefix}`, options()),
        [Symbol.asyncDispose]: async () => client.destroy(),
      }
    },
  },
  {
    name: "azure",
    isThere: azure !== undefined,
    async create() {
      const { connectionString = "" } = azure ?? {}
      const [, account] = /AccountName=([^;]+)/.exec(connectionString) ?? []
      const name = `t-${randomUUID()}`
      const container = BlobServiceClient.fromConnectionString(connectionString).getContainerClient(name)
      await container.create()
      return {
        open: () => new AzureBackend(container),
        fromUrl: (prefix) => fromAzureUrl(`az://${account}/${name}/${prefix}`, { connectionString }),
        [Symbol.asyncDispose]: async () => void (await container.deleteIfExists()),
      }
    },
  },
  {
    name: "gcs",
    isThere: true,
    async create() {
      const options = { apiEndpoint: inject("gcs").endpoint, projectId: "test" }
      const client = new Storage(options)
      const bucket = `t-${randomUUID()}`
      await client.createBucket(bucket)
      return {
        open: () => new GcsBackend({ client, bucket }),
        fromUrl: (prefix) => fromGcsUrl(`gs://${bucket}/${prefix}`, options),
        [Symbol.asyncDispose]: nothing,
      }
    },
  },
]

export const allStorages = [memory, fs, ...clouds]
