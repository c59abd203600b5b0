import { openAzureStore } from "../../packages/azure/dist/index.js"
import { MiB } from "../lib/content.mjs"
import { lengthOf, sdkOf } from "./sdk.mjs"

/** @param {Record<string, string>} server */
const portOf = ({ blobEndpoint }) => Number(new URL(blobEndpoint).port || 80)

/**
 * @param {Record<string, string>} server
 * @param {number} port
 */
const through = (server, port) => server.connectionString.replace(`:${portOf(server)}/`, `:${port}/`)

/** @type {import("./sdk.mjs").Cloud} */
export const azure = {
  name: "azure",
  title: "Azure (azurite, in memory)",
  portOf,
  async createBucket(server, bucket) {
    const { BlobServiceClient } = sdkOf("azure", "@azure/storage-blob")
    await BlobServiceClient.fromConnectionString(server.connectionString).createContainer(bucket)
  },
  openStore: (server, port, bucket) => openAzureStore({ container: bucket, connectionString: through(server, port) }),
  bare(server, port, bucket) {
    const { BlobServiceClient } = sdkOf("azure", "@azure/storage-blob")
    const container = BlobServiceClient.fromConnectionString(through(server, port)).getContainerClient(bucket)
    return {
      uploadNote: "uploadData, blocks of 4 MiB, 4 at once",
      downloadNote: "one download(), streamed",
      upload: (key, bytes) =>
        container
          .getBlockBlobClient(key)
          .uploadData(bytes, { blockSize: 4 * MiB, maxSingleShotSize: 4 * MiB, concurrency: 4 }),
      async download(key) {
        const { readableStreamBody } = await container.getBlockBlobClient(key).download()
        return lengthOf(readableStreamBody)
      },
      remove: (key) => container.deleteBlob(key),
      close() {},
    }
  },
}
