import { createRequire } from "node:module"

/**
 * The SDK that a backend of this repository is built with: both sides of a comparison use the same SDK.
 *
 * @param {"s3" | "azure" | "gcs"} backend
 * @param {string} name
 */
export function sdkOf(backend, name) {
  return createRequire(new URL(`../../packages/${backend}/package.json`, import.meta.url))(name)
}

/**
 * @typedef {object} Bare what the SDK does by itself, with the same part size and as many at once
 * @property {string} uploadNote
 * @property {string} downloadNote
 * @property {(key: string, bytes: Buffer) => Promise<unknown>} upload
 * @property {string} [checkedNote]
 * @property {(key: string, bytes: Buffer) => Promise<unknown>} [uploadChecked] with the checksums that ckpt can send, where the SDK sends none
 * @property {(key: string) => Promise<number>} download resolves to the number of bytes
 * @property {(key: string) => Promise<unknown>} remove
 * @property {() => unknown} close
 */

/**
 * @typedef {object} Cloud
 * @property {"s3" | "azure" | "gcs"} name
 * @property {string} title
 * @property {(server: Record<string, string>) => number} portOf
 * @property {(server: Record<string, string>, bucket: string) => Promise<unknown>} createBucket
 * @property {(server: Record<string, string>, port: number, bucket: string) => Promise<import("../../packages/core/dist/index.js").CheckpointStore>} openStore
 * @property {(server: Record<string, string>, port: number, bucket: string) => Bare} bare
 */

/**
 * @param {AsyncIterable<Uint8Array>} body
 */
export async function lengthOf(body) {
  let bytes = 0
  for await (const chunk of body) bytes += chunk.length
  return bytes
}
