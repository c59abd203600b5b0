import { CreateBucketCommand, S3Client, type S3ClientConfig } from "@aws-sdk/client-s3"
import type { TestStorage } from "@ckpt/conformance"
import { inject } from "vitest"
import { S3Backend } from "../src/index.js"

const server = inject("s3")

/** False on a machine that cannot run the server. */
export const hasServer = server !== undefined

/** Options of a client for the test server, as `openS3Store` takes them too. */
export function serverOptions(endpoint?: string) {
  const { accessKeyId = "", secretAccessKey = "", region = "us-east-1" } = server ?? {}
  return {
    endpoint: endpoint ?? server?.endpoint ?? "http://127.0.0.1:1",
    region,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  }
}

export function serverClient(config: S3ClientConfig & { endpoint?: string } = {}): S3Client {
  return new S3Client({ ...serverOptions(config.endpoint), maxAttempts: 1, expectContinueHeader: false, ...config })
}

let shared: S3Client | undefined
let buckets = 0

/** A bucket that no other test uses. The server ends with the tests, and its buckets with it. */
export async function newBucket(): Promise<string> {
  shared ??= serverClient()
  const bucket = `t${process.pid}-${Date.now().toString(36)}-${buckets++}`
  await shared.send(new CreateBucketCommand({ Bucket: bucket }))
  return bucket
}

/** The smallest part that S3 allows, so that a short body is sent in several parts. */
export const partBytes = 5 * 1024 * 1024
export const largeBytes = 2 * partBytes + 1_234_567

/** One bucket for all stores of a test. */
export async function s3Storage(): Promise<TestStorage> {
  const bucket = await newBucket()
  shared ??= serverClient()
  const client = shared
  return { open: () => new S3Backend({ client, bucket, partBytes }) }
}
