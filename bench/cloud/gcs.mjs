import { openGcsStore } from "../../packages/gcs/dist/index.js"
import { MiB } from "../lib/content.mjs"
import { lengthOf, sdkOf } from "./sdk.mjs"

/** @param {Record<string, string>} server */
const portOf = ({ endpoint }) => Number(new URL(endpoint).port)

/** @param {number} port */
const options = (port) => ({ apiEndpoint: `http://127.0.0.1:${port}`, projectId: "bench" })

/** @type {import("./sdk.mjs").Cloud} */
export const gcs = {
  name: "gcs",
  title: "GCS (packages/gcs-server, in memory)",
  portOf,
  async createBucket(server, bucket) {
    const { Storage } = sdkOf("gcs", "@google-cloud/storage")
    await new Storage(options(portOf(server))).createBucket(bucket)
  },
  openStore: (_, port, bucket) => openGcsStore({ bucket, ...options(port) }),
  bare(_, port, bucket) {
    const { Storage } = sdkOf("gcs", "@google-cloud/storage")
    const at = new Storage(options(port)).bucket(bucket)
    return {
      uploadNote: "file.save, resumable, chunks of 8 MiB one after the other",
      downloadNote: "createReadStream, checked by CRC-32C",
      upload: (key, bytes) => at.file(key).save(bytes, { resumable: true, chunkSize: 8 * MiB }),
      download: (key) => lengthOf(at.file(key).createReadStream()),
      remove: (key) => at.file(key).delete(),
      close() {},
    }
  },
}
