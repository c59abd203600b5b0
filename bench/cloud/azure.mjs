import { createHash } from "node:crypto"
import { openAzureStore } from "../../packages/azure/dist/index.js"
import { MiB } from "../lib/content.mjs"
import { lengthOf, sdkOf } from "./sdk.mjs"

const partBytes = 4 * MiB
const concurrency = 4

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
  openStore: (server, port, bucket) =>
    // The emulator speaks http; this is the default over https.
    openAzureStore({ container: bucket, connectionString: through(server, port), transactionalChecksums: "none" }),
  bare(server, port, bucket) {
    const { BlobServiceClient } = sdkOf("azure", "@azure/storage-blob")
    const container = BlobServiceClient.fromConnectionString(through(server, port)).getContainerClient(bucket)
    return {
      uploadNote: "uploadData, blocks of 4 MiB, 4 at once",
      downloadNote: "one download(), streamed",
      upload: (key, bytes) =>
        container
          .getBlockBlobClient(key)
          .uploadData(bytes, { blockSize: partBytes, maxSingleShotSize: partBytes, concurrency }),
      checkedNote: "the same blocks, each with its MD5, as ckpt sends them over http",
      async uploadChecked(key, bytes) {
        const blob = container.getBlockBlobClient(key)
        const count = Math.ceil(bytes.length / partBytes)
        const ids = Array.from({ length: count }, (_, index) =>
          Buffer.from(`block-${index + 1_000}`).toString("base64"),
        )
        const waiting = [...ids.keys()]
        const sendInTurn = async () => {
          for (let index = waiting.shift(); index !== undefined; index = waiting.shift()) {
            const block = bytes.subarray(index * partBytes, (index + 1) * partBytes)
            const transactionalContentMD5 = createHash("md5").update(block).digest()
            await blob.stageBlock(/** @type {string} */ (ids[index]), block, block.length, { transactionalContentMD5 })
          }
        }
        await Promise.all(Array.from({ length: concurrency }, sendInTurn))
        await blob.commitBlockList(ids)
      },
      async download(key) {
        const { readableStreamBody } = await container.getBlockBlobClient(key).download()
        return lengthOf(readableStreamBody)
      },
      remove: (key) => container.deleteBlob(key),
      close() {},
    }
  },
}
