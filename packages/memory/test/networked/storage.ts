import { inspect } from "node:util"
import type { TestStorage } from "@ckpt/conformance"
import { test } from "vitest"
import { randomOf } from "./network.js"
import { NetworkedBackend, type Traits } from "./networked-backend.js"
import { ObjectServer } from "./object-server.js"

/** The kinds of object stores. */
export const variants: Readonly<Record<string, Traits>> = {
  "versions are hashes, 16 keys per delete, short pages": {
    contentVersions: true,
    leftovers: false,
    maxDeleteBatch: 16,
    pageSize: 7,
  },
  "versions are hashes, 256 keys per delete, uploads can be listed": {
    contentVersions: true,
    leftovers: true,
    maxDeleteBatch: 256,
    pageSize: 100,
  },
  "versions are counted, 256 keys per delete, long pages": {
    contentVersions: false,
    leftovers: false,
    maxDeleteBatch: 256,
    pageSize: 1000,
  },
}

/**
 * The seed of the delays. The operating system also decides which request comes first, so a seed makes a failure
 * likely, not sure.
 */
const seed = Number(process.env["CKPT_NETWORK_SEED"] ?? Math.floor(Math.random() * 2 ** 32))

/** A storage with latency. */
export function networkedStorage(traits: Traits): () => TestStorage {
  return () => {
    const random = randomOf(seed)
    const server = new ObjectServer(traits.contentVersions)
    return { open: () => new NetworkedBackend(server, random, traits) }
  }
}

/** Several tests run at once, since they mostly wait. A failure names the seed. */
export function seededTest(name: string, body: () => Promise<void>, timeoutMs?: number): void {
  const run = () =>
    body().catch((cause: unknown) => {
      const what = cause instanceof Error ? cause.message : inspect(cause)
      throw new Error(`CKPT_NETWORK_SEED=${seed}: ${what}`, { cause })
    })
  test.concurrent(name, run, timeoutMs)
}
