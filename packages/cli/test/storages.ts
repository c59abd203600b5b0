import { mkdtemp, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3"
import { BlobServiceClient } from "@azure/storage-blob"
import { Storage } from "@google-cloud/storage"
import { inject } from "vitest"
import { openStoreUrl } from "../src/stores/open.js"
import type { OpenedStore } from "../src/stores/opened.js"
import { memoryModule } from "./ckpt.js"

/** An empty place for a store. */
export interface Place {
  readonly url: string
  /** The flags that reach it, without the leading dashes, such as `endpoint`. */
  readonly flags: Readonly<Record<string, string>>
}

/** A storage that the command is tested on. */
export interface TestStorage {
  readonly name: string
  /** False on a machine that cannot run the server. */
  readonly runs: boolean
  newPlace(): Promise<Place>
}

const s3 = inject("s3")
const azure = inject("azure")
const gcs = inject("gcs")

let places = 0
const unique = () => `t${process.pid}-${Date.now().toString(36)}-${places++}`

/** An empty folder, which goes with the run. */
export const folder = () => mkdtemp(join(inject("folder"), "place-"))

async function credentialsFile(fields: object): Promise<string> {
  const path = join(await folder(), "credentials.json")
  await writeFile(path, JSON.stringify(fields))
  return path
}

export const fileStorage: TestStorage = {
  name: "file:",
  runs: true,
  newPlace: async () => ({ url: `file:${await folder()}`, flags: {} }),
}

export const memoryStorage: TestStorage = {
  name: "memory, by --backend",
  runs: true,
  newPlace: async () => ({ url: `memory:${unique()}`, flags: { backend: memoryModule } }),
}

export const s3Storage: TestStorage = {
  name: "s3:",
  runs: s3 !== undefined,
  async newPlace() {
    const { endpoint = "", region = "", accessKeyId = "", secretAccessKey = "" } = s3 ?? {}
    const credentials = { accessKeyId, secretAccessKey }
    // The SDK adds fields of its own to what it is given.
    const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials: { ...credentials } })
    const bucket = unique()
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
    client.destroy()
    return {
      url: `s3://${bucket}/team/job`,
      flags: { endpoint, region, credentials: await credentialsFile(credentials) },
    }
  },
}

const azureStorage: TestStorage = {
  name: "az:",
  runs: azure !== undefined,
  async newPlace() {
    const { connectionString = "", blobEndpoint = "", accountName = "", accountKey = "" } = azure ?? {}
    const container = unique()
    await BlobServiceClient.fromConnectionString(connectionString).createContainer(container)
    const credentials = await credentialsFile({ accountKey })
    return { url: `az://${accountName}/${container}/team/job`, flags: { endpoint: blobEndpoint, credentials } }
  },
}

export const gcsStorage: TestStorage = {
  name: "gs:",
  runs: true,
  async newPlace() {
    const bucket = unique()
    await new Storage({ apiEndpoint: gcs.endpoint, projectId: "test" }).createBucket(bucket)
    return { url: `gs://${bucket}/team/job`, flags: { endpoint: gcs.endpoint } }
  },
}

export const storages: readonly TestStorage[] = [fileStorage, s3Storage, azureStorage, gcsStorage, memoryStorage]

/** The flags of a place on the command line. @param prefix `to-` for the second store of a command */
export function flagsOf({ flags }: Place, prefix = ""): string[] {
  return Object.entries(flags).flatMap(([name, value]) => [`--${prefix}${name}`, value])
}

export function open({ url, flags }: Place): Promise<OpenedStore> {
  return openStoreUrl(url, { ...flags, mayBeNew: true })
}
