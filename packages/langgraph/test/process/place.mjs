// Storages, for this process and for others: a place is plain data, and goes over a command line.

/**
 * Makes backends of one place. Each process loads the client that it needs, and no other.
 *
 * @param {import("./place.d.mts").Place} place
 */
export async function openerOf(place) {
  switch (place.storage) {
    case "fs": {
      const { FsBackend } = await import("@ckpt/fs")
      return () => new FsBackend(place.root)
    }
    case "s3": {
      const [{ S3Backend }, { S3Client }] = await Promise.all([import("@ckpt/s3"), import("@aws-sdk/client-s3")])
      const client = new S3Client(s3Options(place))
      return () => new S3Backend({ client, bucket: place.bucket })
    }
    case "azure": {
      const [{ AzureBackend }, { ContainerClient }] = await Promise.all([
        import("@ckpt/azure"),
        import("@azure/storage-blob"),
      ])
      const container = new ContainerClient(place.connectionString, place.container)
      return () => new AzureBackend(container)
    }
    case "gcs": {
      const [{ GcsBackend }, { Storage }] = await Promise.all([import("@ckpt/gcs"), import("@google-cloud/storage")])
      const client = new Storage(gcsOptions(place))
      return () => new GcsBackend({ client, bucket: place.bucket })
    }
  }
}

/** @param {import("./place.d.mts").S3Server} server */
export const s3Options = ({ endpoint, region, accessKeyId, secretAccessKey }) => ({
  endpoint,
  region,
  forcePathStyle: true,
  credentials: { accessKeyId, secretAccessKey },
})

/** @param {{ endpoint: string }} server */
export const gcsOptions = ({ endpoint }) => ({ apiEndpoint: endpoint, projectId: "test" })
