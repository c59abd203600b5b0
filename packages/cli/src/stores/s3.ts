import { lazySdk } from "@ckpt/core/adapter"
import type { Connected, ConnectOptions } from "./connect.js"
import { readCredentials } from "./credentials.js"
import { invalid, neededSegment, prefixFrom, type StoreUrl } from "./url.js"

const loadPackage = lazySdk({ name: "@ckpt/s3", from: import.meta.url, load: () => import("@ckpt/s3") })
const loadSdk = lazySdk({
  name: "@aws-sdk/client-s3",
  from: import.meta.url,
  load: () => import("@aws-sdk/client-s3"),
})

export async function connectS3(url: StoreUrl, options: ConnectOptions): Promise<Connected> {
  const bucket = neededSegment(url, 0, "bucket", "s3://bucket/prefix")
  const prefix = prefixFrom(url, 1)
  const given = await readCredentials(options, ["accessKeyId", "secretAccessKey", "sessionToken"])
  const { accessKeyId, secretAccessKey, sessionToken } = given ?? {}
  if (given !== undefined && (accessKeyId === undefined || secretAccessKey === undefined)) {
    throw invalid("--credentials for s3: needs accessKeyId and secretAccessKey")
  }
  const { S3Backend } = await loadPackage()
  const { S3Client } = await loadSdk()
  const { endpoint } = options
  // A store other than Amazon's seldom has regions, and the SDK insists on one.
  const region = options.region ?? (endpoint !== undefined && !options.env["AWS_REGION"] ? "us-east-1" : undefined)
  const agent = { keepAlive: true, maxSockets: 512 }
  // As `openS3Store` makes its client: the store makes the retries and times out by itself.
  const client = new S3Client({
    maxAttempts: 1,
    expectContinueHeader: false,
    requestHandler: { connectionTimeout: 10_000, httpAgent: agent, httpsAgent: agent },
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    ...(region === undefined ? {} : { region }),
    ...(accessKeyId !== undefined && secretAccessKey !== undefined
      ? { credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) } }
      : {}),
  })
  const backend = new S3Backend({ client, bucket, prefix, ownsClient: true })
  return { backend, prefix, usualLayout: "objects" }
}
