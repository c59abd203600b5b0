import { startS3Server } from "@ckpt/test-servers"
import type { TestProject } from "vitest/node"

export interface TestServer {
  readonly endpoint: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

declare module "vitest" {
  export interface ProvidedContext {
    /** Absent on a machine that cannot run the server. */
    s3: TestServer | undefined
  }
}

/** One real S3 server for all test files. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startS3Server()
  if (server === undefined) {
    project.provide("s3", undefined)
    return async () => {}
  }
  const { endpoint, region, accessKeyId, secretAccessKey, stop } = server
  project.provide("s3", { endpoint, region, accessKeyId, secretAccessKey })
  return stop
}
