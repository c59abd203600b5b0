import { readFile } from "node:fs/promises"
import { resolve } from "node:path"
import { lazySdk } from "@ckpt/core/adapter"
import type { Connected, ConnectOptions } from "./connect.js"
import { invalid } from "./url.js"

const loadPackage = lazySdk({ name: "@ckpt/gcs", from: import.meta.url, load: () => import("@ckpt/gcs") })

export async function connectGcs(url: string, { endpoint, credentials, cwd }: ConnectOptions): Promise<Connected> {
  const { fromUrl } = await loadPackage()
  const keyFilename = credentials === undefined ? undefined : resolve(cwd, credentials)
  if (keyFilename !== undefined) {
    await readFile(keyFilename).catch((cause: Error) => {
      throw invalid(`--credentials ${credentials} cannot be read (${cause.message}); give a service account's key file`)
    })
  }
  const place = await fromUrl(url, {
    ...(keyFilename === undefined ? {} : { keyFilename }),
    // An emulator asks for no project; without one the SDK looks for credentials.
    ...(endpoint === undefined ? {} : { apiEndpoint: endpoint, projectId: "ckpt" }),
  })
  return { ...place, usualLayout: "objects" }
}
