import { startGcsServer } from "@ckpt/gcs-server"
import { startAzureServer, startS3Server } from "@ckpt/test-servers"
import type { TestProject } from "vitest/node"

declare module "vitest" {
  interface ProvidedContext {
    s3: { endpoint: string; region: string; accessKeyId: string; secretAccessKey: string } | undefined
    azure: { connectionString: string } | undefined
    gcs: { endpoint: string }
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [s3, azure, gcs] = await Promise.all([startS3Server(), startAzureServer(), startGcsServer()])
  project.provide(
    "s3",
    s3 && {
      endpoint: s3.endpoint,
      region: s3.region,
      accessKeyId: s3.accessKeyId,
      secretAccessKey: s3.secretAccessKey,
    },
  )
  project.provide("azure", azure && { connectionString: azure.connectionString })
  project.provide("gcs", { endpoint: gcs.endpoint })
  return async () => {
    await Promise.all([s3?.stop(), azure?.stop(), gcs.stop()])
  }
}
