import type { TestProject } from "vitest/node"
import { type AzureServer, type S3Server, startAzureServer, startS3Server } from "../src/index.js"

declare module "vitest" {
  export interface ProvidedContext {
    s3: Omit<S3Server, "stop"> | undefined
    azure: Omit<AzureServer, "stop"> | undefined
  }
}

/** Starts both servers for all files of this project. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [s3, azure] = await Promise.all([startS3Server(), startAzureServer()])
  project.provide("s3", withoutStop(s3))
  project.provide("azure", withoutStop(azure))
  return async () => {
    await Promise.all([s3?.stop(), azure?.stop()])
  }
}

function withoutStop<T extends { stop(): Promise<void> }>(server: T | undefined): Omit<T, "stop"> | undefined {
  if (server === undefined) return undefined
  const { stop, ...rest } = server
  return rest
}
