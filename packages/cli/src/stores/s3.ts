import { lazySdk } from "@ckpt/core/adapter"
import type { Connected, ConnectOptions } from "./connect.js"
import { readCredentials } from "./credentials.js"
import { invalid } from "./url.js"

const loadPackage = lazySdk({ name: "@ckpt/s3", from: import.meta.url, load: () => import("@ckpt/s3") })

export async function connectS3(url: string, options: ConnectOptions): Promise<Connected> {
  const { fromUrl } = await loadPackage()
  const given = await readCredentials(options, ["accessKeyId", "secretAccessKey", "sessionToken"])
  const { accessKeyId, secretAccessKey, sessionToken } = given ?? {}
  if (given !== undefined && (accessKeyId === undefined || secretAccessKey === undefined)) {
    throw invalid("--credentials for s3: needs accessKeyId and secretAccessKey")
  }
  const { endpoint } = options
  const place = await fromUrl(url, {
    endpoint,
    forcePathStyle: endpoint === undefined ? undefined : true,
    // A store other than Amazon's seldom has regions, and the SDK insists on one.
    region: options.region ?? (endpoint !== undefined && !options.env["AWS_REGION"] ? "us-east-1" : undefined),
    ...(accessKeyId !== undefined && secretAccessKey !== undefined
      ? { credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) } }
      : {}),
  })
  return { ...place, usualLayout: "objects" }
}
