import { type Bucket, Storage } from "@google-cloud/storage"
import { Storage as Storage8 } from "google-cloud-storage-8"
import type { GcsServer } from "../../src/index.js"

export type ClientMajor = 7 | 8

/** Both majors that must work. Version 8 asks for Node.js 22, but the parts that are used here also run on 20. */
export const clients: { major: ClientMajor; Client: typeof Storage }[] = [
  { major: 7, Client: Storage },
  { major: 8, Client: Storage8 as unknown as typeof Storage },
]

/** A bucket, made through the client. Retries come after a second, the shortest time that the client takes. */
export async function openBucket(Client: typeof Storage, endpoint: string, name = "test-bucket"): Promise<Bucket> {
  const storage = new Client({ apiEndpoint: endpoint, projectId: "test", retryOptions: { maxRetryDelay: 1 } })
  const [bucket] = await storage.createBucket(name)
  return bucket
}

/** Another client's view of the same bucket, say through a relay. */
export function bucketAt(Client: typeof Storage, endpoint: string, name = "test-bucket"): Bucket {
  const options = { apiEndpoint: endpoint, projectId: "test", retryOptions: { maxRetryDelay: 1 } }
  return new Client(options).bucket(name)
}

/** The reason with which a promise rejects, of any type: one of the client's rejections is no Error. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error("did not reject")
}

export async function stopAll(servers: GcsServer[]): Promise<void> {
  await Promise.all(servers.splice(0).map((server) => server.stop()))
}
