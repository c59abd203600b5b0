import { openS3Store, S3Backend } from "../../packages/s3/dist/index.js"
import { MiB } from "../lib/content.mjs"
import { lengthOf, sdkOf } from "./sdk.mjs"

const partBytes = 8 * MiB
const concurrency = 4

/**
 * @param {Record<string, string>} server
 * @param {number} port
 */
const connection = ({ endpoint, region, accessKeyId, secretAccessKey }, port) => {
  const at = new URL(endpoint)
  at.port = `${port}`
  return { endpoint: at.origin, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } }
}

/** @param {Record<string, string>} server */
const portOf = ({ endpoint }) => Number(new URL(endpoint).port || 80)

export const s3 = {
  name: /** @type {const} */ ("s3"),
  title: "S3 (Ceph RGW, in memory)",
  portOf,
  /**
   * @param {Record<string, string>} server
   * @param {string} bucket
   */
  async createBucket(server, bucket) {
    const { S3Client, CreateBucketCommand } = sdkOf("s3", "@aws-sdk/client-s3")
    const client = new S3Client(connection(server, portOf(server)))
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
    client.destroy()
  },
  /**
   * @param {Record<string, string>} server
   * @param {number} port
   * @param {string} bucket
   */
  openStore: (server, port, bucket) => openS3Store({ ...connection(server, port), bucket }),
  /**
   * @param {Record<string, string>} server
   * @param {number} port
   * @param {string} bucket
   */
  openBackend(server, port, bucket) {
    const { S3Client } = sdkOf("s3", "@aws-sdk/client-s3")
    return new S3Backend({ client: new S3Client(connection(server, port)), bucket, ownsClient: true })
  },
  /**
   * @param {Record<string, string>} server
   * @param {number} port
   * @param {string} bucket
   */
  bare(server, port, bucket) {
    const sdk = sdkOf("s3", "@aws-sdk/client-s3")
    const client = new sdk.S3Client(connection(server, port))
    return {
      uploadNote: `multipart, parts of 8 MiB, ${concurrency} at once`,
      downloadNote: "one GetObject, streamed",
      upload: (/** @type {string} */ key, /** @type {Buffer} */ bytes) =>
        multipart(sdk, client, { Bucket: bucket, Key: key }, partsOf(bytes)),
      uploadParts: (/** @type {string} */ key, /** @type {AsyncIterable<Buffer>} */ parts) =>
        multipart(sdk, client, { Bucket: bucket, Key: key }, parts),
      async download(/** @type {string} */ key) {
        const { Body } = await client.send(new sdk.GetObjectCommand({ Bucket: bucket, Key: key }))
        return lengthOf(Body)
      },
      remove: (/** @type {string} */ key) => client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key: key })),
      close: () => client.destroy(),
    }
  },
}

/**
 * @param {any} sdk
 * @param {any} client
 * @param {{ Bucket: string, Key: string }} place
 * @param {AsyncIterable<Buffer> | Iterable<Buffer>} bodies
 */
async function multipart(sdk, client, place, bodies) {
  const { UploadId } = await client.send(new sdk.CreateMultipartUploadCommand(place))
  /** @type {object[]} */
  const Parts = []
  const next = inTurn(bodies)
  const worker = async () => {
    for (let item = await next(); item !== undefined; item = await next()) {
      const PartNumber = item.index + 1
      const part = { ...place, UploadId, PartNumber, Body: item.body }
      const { ETag, ChecksumCRC32 } = await client.send(new sdk.UploadPartCommand(part))
      Parts[item.index] = { PartNumber, ETag, ChecksumCRC32 }
    }
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  await client.send(new sdk.CompleteMultipartUploadCommand({ ...place, UploadId, MultipartUpload: { Parts } }))
}

/**
 * One source for several workers. An async generator queues the calls of `next` by itself.
 *
 * @param {AsyncIterable<Buffer> | Iterable<Buffer>} bodies
 */
function inTurn(bodies) {
  const source = (async function* () {
    let index = 0
    for await (const body of bodies) yield { index: index++, body }
  })()
  return async () => (await source.next()).value
}

/** @param {Buffer} bytes */
function* partsOf(bytes) {
  for (let at = 0; at < bytes.length; at += partBytes) yield bytes.subarray(at, at + partBytes)
}
