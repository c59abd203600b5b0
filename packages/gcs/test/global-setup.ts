import { startGcsServer } from "@ckpt/gcs-server"
import type { TestProject } from "vitest/node"

declare module "vitest" {
  interface ProvidedContext {
    endpoint: string
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startGcsServer()
  project.provide("endpoint", server.endpoint)
  return () => server.stop()
}
