import { show } from "@ckpt/core/adapter"
import { invalid } from "./errors.js"

export function assertBucket(bucket: unknown): void {
  if (bucket === undefined || bucket === "") {
    throw invalid("bucket is missing: give the name of a Google Cloud Storage bucket.")
  }
  if (typeof bucket !== "string") throw invalid(`bucket is ${show(bucket)}: give the name of a bucket.`)
  if (/^\w+:\/\//.test(bucket) || bucket.includes("/")) {
    throw invalid(`bucket is "${bucket}": give the name alone, without "gs://"; what comes after it is the prefix.`)
  }
  // https://cloud.google.com/storage/docs/buckets#naming has more rules, which the service checks.
  if (!/^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/.test(bucket)) {
    throw invalid(`bucket is "${bucket}": names have lower-case letters, digits, "-", "_" and ".", at least three.`)
  }
}
