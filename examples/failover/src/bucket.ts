import { randomUUID } from "node:crypto"
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3"
import type { Place } from "./place.js"

/**
 * The bucket that FAILOVER_BUCKET names, with FAILOVER_ENDPOINT, AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY;
 * else one of a server of this repository's tests, which ends with it.
 */
export async function openBucket(): Promise<AsyncDisposable & { readonly place: Place }> {
  const prefix = `failover-${randomUUID()}/`
  const { FAILOVER_BUCKET: given, FAILOVER_ENDPOINT: endpoint } = process.env
  if (given !== undefined) {
    const region = needed("AWS_REGION")
    const place: Place = {
      ...{ kind: "bucket", bucket: given, prefix, region, endpoint: endpoint ?? `https://s3.${region}.amazonaws.com` },
      accessKeyId: needed("AWS_ACCESS_KEY_ID"),
      secretAccessKey: needed("AWS_SECRET_ACCESS_KEY"),
    }
    return { place, async [Symbol.asyncDispose]() {} }
  }
  // Not for users of the library: this package exists only in this repository.
  const { startS3Server } = await import("@ckpt/test-servers")
  const server = await startS3Server()
  if (server === undefined) throw new Error("no S3 server can run here; set FAILOVER_BUCKET and FAILOVER_ENDPOINT")
  const { stop, accessKeyId, secretAccessKey, ...at } = server
  const bucket = `failover-${randomUUID()}`
  const client = new S3Client({ ...at, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  client.destroy()
  return { place: { kind: "bucket", bucket, prefix, ...at, accessKeyId, secretAccessKey }, [Symbol.asyncDispose]: stop }
}

function needed(name: string): string {
  const value = process.env[name]
  if (!value) throw new Error(`FAILOVER_BUCKET is set, ${name} is not: the example needs both`)
  return value
}
