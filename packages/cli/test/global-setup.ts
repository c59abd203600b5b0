import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { startGcsServer } from "@ckpt/gcs-server"
import { startAzureServer, startS3Server } from "@ckpt/test-servers"
import type { TestProject } from "vitest/node"

declare module "vitest" {
  interface ProvidedContext {
    s3: { endpoint: string; region: string; accessKeyId: string; secretAccessKey: string } | undefined
    azure: { connectionString: string; blobEndpoint: string; accountName: string; accountKey: string } | undefined
    gcs: { endpoint: string }
    /** Holds all folders of the run. The files of a worker share their modules, so that no file can say which are its own. */
    folder: string
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "ckpt-cli-"))
  project.provide("folder", folder)
  const [s3, azure, gcs] = await Promise.all([startS3Server(), startAzureServer(), startGcsServer()])
  if (s3 !== undefined) {
    const { stop: _, ...plain } = s3
    project.provide("s3", plain)
  } else project.provide("s3", undefined)
  if (azure !== undefined) {
    const { stop: _, ...plain } = azure
    project.provide("azure", plain)
  } else project.provide("azure", undefined)
  project.provide("gcs", { endpoint: gcs.endpoint })
  return async () => {
    await Promise.all([s3?.stop(), azure?.stop(), gcs.stop()])
    await rm(folder, { recursive: true, force: true })
  }
}
