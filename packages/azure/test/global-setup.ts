import { startAzureServer } from "@ckpt/test-servers"
import type { TestProject } from "vitest/node"

declare module "vitest" {
  export interface ProvidedContext {
    /** Of the account that the tests use; empty if there is none. */
    azure: { connectionString: string; blobEndpoint: string; accountName: string; accountKey: string } | undefined
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startAzureServer()
  const { stop = async () => {}, ...account } = server ?? {}
  project.provide("azure", server === undefined ? undefined : (account as Omit<typeof server, "stop">))
  return stop
}
