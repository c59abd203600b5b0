import { readFile } from "node:fs/promises"
import { resolve } from "node:path"
import { lazySdk } from "@ckpt/core/adapter"
import type { Connected, ConnectOptions } from "./connect.js"
import { invalid, neededSegment, prefixFrom, type StoreUrl } from "./url.js"

const loadPackage = lazySdk({ name: "@ckpt/gcs", from: import.meta.url, load: () => import("@ckpt/gcs") })
const loadSdk = lazySdk({
  name: "@google-cloud/storage",
  from: import.meta.url,
  load: () => import("@google-cloud/storage"),
})

export async function connectGcs(url: StoreUrl, options: ConnectOptions): Promise<Connected> {
  const bucket = neededSegment(url, 0, "bucket", "gs://bucket/prefix")
  const { endpoint, credentials, cwd } = options
  const keyFilename = credentials === undefined ? undefined : resolve(cwd, credentials)
  if (keyFilename !== undefined) {
    await readFile(keyFilename).catch((cause: Error) => {
      throw invalid(`--credentials ${credentials} cannot be read (${cause.message}); give a service account's key file`)
    })
  }
  const { GcsBackend } = await loadPackage()
  const { Storage } = await loadSdk()
  const client = new Storage({
    ...(keyFilename === undefined ? {} : { keyFilename }),
    // An emulator asks for no project; without one the SDK looks for credentials.
    ...(endpoint === undefined ? {} : { apiEndpoint: endpoint, projectId: "ckpt" }),
  })
  return { backend: new GcsBackend({ client, bucket }), prefix: prefixFrom(url, 1), usualLayout: "objects" }
}
