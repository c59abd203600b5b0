import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3"
import { openS3Store, S3Backend } from "@ckpt/s3"
import { inject } from "vitest"
import type { Cloud, Place, RequestKind } from "./cloud.js"

const server = inject("s3")
if (server === undefined) throw new Error("no S3 server; see packages/test-servers/README.md")
const { endpoint, region, accessKeyId, secretAccessKey } = server
const connection = { region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } }
const place = ({ endpoint: at, bucket }: Place) => ({ ...connection, endpoint: at, bucket })

export const s3: Cloud = {
  name: "s3",
  endpoint,
  async createBucket(name) {
    const client = new S3Client({ ...connection, endpoint })
    await client.send(new CreateBucketCommand({ Bucket: name }))
    client.destroy()
  },
  options: place,
  openStore: (at, options) => openS3Store({ ...place(at), ...options }),
  openBackend: ({ endpoint: at, bucket }) =>
    new S3Backend({ client: new S3Client({ ...connection, endpoint: at }), bucket, ownsClient: true }),
  see({ method, path, query }) {
    const [, bucket, key] = /^\/([^/]+)(?:\/(.+))?$/.exec(path) ?? []
    const kind = (): RequestKind => {
      if (method === "PUT") return query.has("partNumber") ? "part" : "put"
      if (method === "HEAD") return "head"
      if (method === "POST" && query.has("uploads")) return "begin"
      if (method === "POST" && query.has("uploadId")) return "completion"
      if (method === "POST" && query.has("delete")) return "delete"
      if (method !== "GET") return "other"
      if (key !== undefined) return "get"
      return query.has("uploads") ? "other" : "list"
    }
    return { kind: kind(), bucket, key }
  },
  errorBody:
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>',
}
