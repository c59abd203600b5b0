import { randomUUID } from "node:crypto"
import type { TestStorage } from "@ckpt/conformance"
import { Storage as Storage7 } from "@google-cloud/storage"
import { Storage as Storage8 } from "google-cloud-storage-8"
import { inject } from "vitest"
import { GcsBackend, type GcsClient } from "../src/index.js"

/** The client in both major versions that are supported. */
export const clients = {
  "@google-cloud/storage 7": (apiEndpoint) => new Storage7({ apiEndpoint, projectId: "test" }),
  "@google-cloud/storage 8": (apiEndpoint) => new Storage8({ apiEndpoint, projectId: "test" }),
} satisfies Record<string, (apiEndpoint: string) => GcsClient>

/** An empty bucket on the server that all tests share. */
export async function newBucket(endpoint = inject("endpoint")): Promise<string> {
  const name = `test-${randomUUID()}`
  const answer = await fetch(`${endpoint}/storage/v1/b?project=test`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name }),
  })
  if (!answer.ok) throw new Error(`bucket ${name}: ${answer.status} ${await answer.text()}`)
  return name
}

/** A bucket for each test, opened by its own clients. */
export function gcsStorage(
  newClient: (endpoint: string) => GcsClient,
  options: { readonly chunkBytes?: number } = {},
): () => Promise<TestStorage> {
  return async () => {
    const bucket = await newBucket()
    return { open: () => new GcsBackend({ ...options, client: newClient(inject("endpoint")), bucket }) }
  }
}
