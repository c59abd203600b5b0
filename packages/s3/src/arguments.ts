import { show } from "@ckpt/core/adapter"
import { invalid } from "./errors.js"

export function assertBucket(bucket: unknown): void {
  if (bucket === undefined || bucket === "") throw invalid("bucket is missing; give the name of a bucket that exists.")
  if (typeof bucket !== "string") throw invalid(`bucket is ${show(bucket)}; give the name of a bucket that exists.`)
  const [, name, path] = /^s3:\/\/([^/]*)\/?(.*)$/.exec(bucket) ?? []
  if (name !== undefined) {
    throw invalid(`bucket is "${bucket}"; give bucket: "${name}"${path ? ` and prefix: "${path}"` : ""}.`)
  }
  if (bucket.includes("/") && !bucket.startsWith("arn:")) {
    throw invalid(`bucket is "${bucket}"; a bucket has no "/" in its name. What follows it belongs in prefix.`)
  }
}

/** A client is known by its shape: it may come from another copy of the SDK. */
export function assertClient(client: unknown): void {
  if (typeof (client as { send?: unknown } | undefined)?.send === "function") return
  const given = client === undefined ? "is missing" : `is no S3Client (${show(client)})`
  throw invalid(`client ${given}; give new S3Client() of @aws-sdk/client-s3, or its options instead.`)
}
