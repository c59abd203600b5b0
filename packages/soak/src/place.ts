import type { CheckpointStore, ObjectBackend, StoreOptions } from "@ckpt/core"

/** Where a store lies, and how to get there: plain data, for the command line of a process. */
export type Place =
  | { readonly storage: "fs"; readonly root: string }
  | {
      readonly storage: "s3"
      readonly endpoint: string
      readonly bucket: string
      readonly region: string
      readonly accessKeyId: string
      readonly secretAccessKey: string
    }
  | { readonly storage: "azure"; readonly connectionString: string; readonly container: string }
  | { readonly storage: "gcs"; readonly endpoint: string; readonly bucket: string }

/** Where retention removes checkpoints, it keeps so many. */
export const kept = 10

export type StorageName = Place["storage"]
export const storageNames: readonly StorageName[] = ["fs", "s3", "azure", "gcs"]

/** Opens a store. Each process loads one SDK. */
export async function openAt(place: Place, options: StoreOptions): Promise<CheckpointStore> {
  switch (place.storage) {
    case "fs": {
      const { openFsStore } = await import("@ckpt/fs")
      return openFsStore(place.root, { silentAfterMs: 1_000, timeoutMs: 10_000, ...options })
    }
    case "s3": {
      const { openS3Store } = await import("@ckpt/s3")
      return openS3Store({ ...s3Options(place), bucket: place.bucket, ...options })
    }
    case "azure": {
      const { openAzureStore } = await import("@ckpt/azure")
      const { connectionString, container } = place
      return openAzureStore({ connectionString, container, ...options })
    }
    case "gcs": {
      const { openGcsStore } = await import("@ckpt/gcs")
      return openGcsStore({ bucket: place.bucket, apiEndpoint: place.endpoint, projectId: "soak", ...options })
    }
  }
}

/** The storage without a store, to look at its keys. */
export async function backendAt(place: Place): Promise<ObjectBackend> {
  switch (place.storage) {
    case "fs": {
      const { FsBackend } = await import("@ckpt/fs")
      return new FsBackend(place.root)
    }
    case "s3": {
      const [{ S3Backend }, { S3Client }] = await Promise.all([import("@ckpt/s3"), import("@aws-sdk/client-s3")])
      const { endpoint, region, forcePathStyle, credentials } = s3Options(place)
      return new S3Backend({
        client: new S3Client({ endpoint, region, forcePathStyle, credentials }),
        bucket: place.bucket,
      })
    }
    case "azure": {
      const [{ AzureBackend }, { ContainerClient }] = await Promise.all([
        import("@ckpt/azure"),
        import("@azure/storage-blob"),
      ])
      return new AzureBackend(new ContainerClient(place.connectionString, place.container))
    }
    case "gcs": {
      const [{ GcsBackend }, { Storage }] = await Promise.all([import("@ckpt/gcs"), import("@google-cloud/storage")])
      return new GcsBackend({
        client: new Storage({ apiEndpoint: place.endpoint, projectId: "soak" }),
        bucket: place.bucket,
      })
    }
  }
}

export function s3Options({ endpoint, region, accessKeyId, secretAccessKey }: Extract<Place, { storage: "s3" }>) {
  return { endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } }
}
