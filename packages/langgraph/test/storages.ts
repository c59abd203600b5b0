import { randomUUID } from "node:crypto"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3"
import { ContainerClient } from "@azure/storage-blob"
import { fromUrl as fromAzureUrl } from "@ckpt/azure"
import type { ObjectBackend, StoragePlace } from "@ckpt/core"
import { fromUrl as fromFsUrl } from "@ckpt/fs"
import { fromUrl as fromGcsUrl } from "@ckpt/gcs"
import { MemoryBackend } from "@ckpt/memory"
import { fromUrl as fromS3Url } from "@ckpt/s3"
import { Storage } from "@google-cloud/storage"
import { inject } from "vitest"
import type {} from "../../cloud-tests/test/global-setup.js"
import { gcsOptions, openerOf, type Place, s3Options } from "./process/place.mjs"

/** An empty place on a storage. */
export interface EmptyPlace extends AsyncDisposable {
  /** One more backend of the same place, as another process would have. */
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

/** A storage that other processes reach, too. */
export interface SharedKind extends StorageKind {
  create(): Promise<EmptyPlace & { readonly place: Place }>
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

async function reached(place: Place, fromUrl: NonNullable<EmptyPlace["fromUrl"]>, end: () => Promise<void>) {
  return { place, open: await openerOf(place), fromUrl, [Symbol.asyncDispose]: end }
}

export const fs: SharedKind = {
  name: "fs",
  isThere: true,
  async create() {
    const root = await mkdtemp(join(tmpdir(), "ckpt-langgraph-"))
    const fromUrl = (prefix: string) => fromFsUrl(pathToFileURL(join(root, prefix)).href)
    return reached({ storage: "fs", root }, fromUrl, () => rm(root, { recursive: true, force: true }))
  },
}

export const clouds: readonly SharedKind[] = [
  {
    name: "s3",
    isThere: s3 !== undefined,
    async create() {
      if (s3 === undefined) throw new Error("no S3 server")
      const client = new S3Client(s3Options(s3))
      const bucket = `t-${randomUUID()}`
      await client.send(new CreateBucketCommand({ Bucket: bucket }))
      client.destroy()
      const fromUrl = (prefix: string) => fromS3Url(`s3://${bucket}/${prefix}`, s3Options(s3))
      return reached({ storage: "s3", bucket, ...s3 }, fromUrl, nothing)
    },
  },
  {
    name: "azure",
    isThere: azure !== undefined,
    async create() {
      if (azure === undefined) throw new Error("no Azure server")
      const { connectionString } = azure
      const name = `t-${randomUUID()}`
      const container = new ContainerClient(connectionString, name)
      await container.create()
      const end = async () => void (await container.deleteIfExists())
      const fromUrl = (prefix: string) =>
        fromAzureUrl(`az://${container.accountName}/${name}/${prefix}`, { connectionString })
      return reached({ storage: "azure", connectionString, container: name }, fromUrl, end)
    },
  },
  {
    name: "gcs",
    isThere: true,
    async create() {
      const { endpoint } = inject("gcs")
      const bucket = `t-${randomUUID()}`
      await new Storage(gcsOptions({ endpoint })).createBucket(bucket)
      const fromUrl = (prefix: string) => fromGcsUrl(`gs://${bucket}/${prefix}`, gcsOptions({ endpoint }))
      return reached({ storage: "gcs", endpoint, bucket }, fromUrl, nothing)
    },
  },
]

/** All that other processes reach. */
export const shared = [fs, ...clouds]
export const allStorages = [memory, ...shared]
