import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Fault, startFaultProxy } from "@ckpt/fault-proxy"
import { startGcsServer } from "@ckpt/gcs-server"
import { startAzureServer, startS3Server } from "@ckpt/test-servers"
import { type Place, type StorageName, s3Options } from "./place.js"

/** An empty place on a real storage. */
export interface Storage {
  /** For the processes: a part of the requests is broken on the way. */
  readonly faulty: Place
  /** Past the faults, for the judge. */
  readonly direct: Place
  /** Requests that were broken, of all. */
  faults(): { readonly broken: number; readonly all: number }
  dispose(): Promise<void>
}

/** @param random gives numbers from 0 to below 1 */
export async function makeStorage(name: StorageName, random: () => number): Promise<Storage> {
  if (name === "fs") {
    const root = await mkdtemp(join(tmpdir(), "ckpt-soak-"))
    const place: Place = { storage: "fs", root }
    // Its faults are the kills: a local disk loses no requests.
    const faults = () => ({ broken: 0, all: 0 })
    return { faulty: place, direct: place, faults, dispose: () => rm(root, { recursive: true, force: true }) }
  }
  const { at, endpoint, stop } = await services[name]()
  const proxy = await startFaultProxy(endpoint)
  proxy.inject({ when: () => random() < share, fault: () => faults[Math.floor(random() * faults.length)] })
  return {
    faulty: at(proxy.endpoint),
    direct: at(endpoint),
    faults: () => ({
      broken: proxy.requests.filter(({ fault }) => fault !== undefined).length,
      all: proxy.requests.length,
    }),
    async dispose() {
      await proxy[Symbol.asyncDispose]()
      await stop()
    },
  }
}

/** Of all requests, so many are broken. */
const share = 0.1

const faults: readonly Fault[] = [
  { kind: "reset-before" },
  { kind: "answer-lost" },
  { kind: "answer-lost" },
  { kind: "reset-mid-answer", afterBytes: 100 },
  { kind: "status", status: 503, early: true },
  { kind: "status", status: 500, applied: true },
  { kind: "cut-request", afterBytes: 50 },
  { kind: "latency", ms: 300 },
]

interface Service {
  readonly endpoint: string
  /** The place, through this endpoint. */
  at(endpoint: string): Place
  stop(): Promise<void>
}

const bucket = "soak"

const services = {
  async s3(): Promise<Service> {
    const server = await startS3Server()
    if (server === undefined) throw new Error("no S3 server can run here; see packages/test-servers/README.md")
    const { stop, endpoint, region, accessKeyId, secretAccessKey } = server
    const name = `${bucket}-${Date.now().toString(36)}`
    const at = (through: string) =>
      ({ storage: "s3", endpoint: through, bucket: name, region, accessKeyId, secretAccessKey }) as const
    const { CreateBucketCommand, S3Client } = await import("@aws-sdk/client-s3")
    const client = new S3Client(s3Options(at(endpoint)))
    await client.send(new CreateBucketCommand({ Bucket: name }))
    client.destroy()
    return { endpoint, at, stop }
  },
  async azure(): Promise<Service> {
    const server = await startAzureServer()
    if (server === undefined) throw new Error("no Azure server can run here; see packages/test-servers/README.md")
    const { connectionString, stop } = server
    const [, endpoint = ""] = /BlobEndpoint=(https?:\/\/[^/;]+)/.exec(connectionString) ?? []
    const { BlobServiceClient } = await import("@azure/storage-blob")
    const container = `${bucket}-${Date.now().toString(36)}`
    await BlobServiceClient.fromConnectionString(connectionString).createContainer(container)
    const at = (through: string) =>
      ({ storage: "azure", connectionString: connectionString.replace(endpoint, through), container }) as const
    return { endpoint, at, stop }
  },
  async gcs(): Promise<Service> {
    const server = await startGcsServer()
    const { Storage: Client } = await import("@google-cloud/storage")
    await new Client({ apiEndpoint: server.endpoint, projectId: "soak" }).createBucket(bucket)
    const at = (through: string) => ({ storage: "gcs", endpoint: through, bucket }) as const
    return { endpoint: server.endpoint, at, stop: () => server.stop() }
  },
}
