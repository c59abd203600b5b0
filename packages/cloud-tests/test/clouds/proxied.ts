import type { CheckpointStore, StoreOptions } from "@ckpt/core"
import { type FaultProxy, startFaultProxy } from "@ckpt/fault-proxy"
import { FaultClock } from "../faults/clock.js"
import type { Cloud, RequestKind, SeenRequest } from "./cloud.js"
import { freshBucket } from "./names.js"

/** One bucket, a proxy in front of it, and stores that go through the proxy or past it. */
export class ProxiedBucket implements AsyncDisposable {
  readonly cloud: Cloud
  readonly bucket: string
  readonly proxy: FaultProxy
  readonly clock = new FaultClock()
  readonly #stores: CheckpointStore[] = []

  private constructor(cloud: Cloud, bucket: string, proxy: FaultProxy) {
    this.cloud = cloud
    this.bucket = bucket
    this.proxy = proxy
  }

  static async create(cloud: Cloud): Promise<ProxiedBucket> {
    const bucket = freshBucket()
    await cloud.createBucket(bucket)
    return new ProxiedBucket(cloud, bucket, await startFaultProxy(cloud.endpoint))
  }

  async open(options: StoreOptions = {}): Promise<CheckpointStore> {
    const place = { endpoint: this.proxy.endpoint, bucket: this.bucket }
    return this.#kept(await this.cloud.openStore(place, { clock: this.clock, random: () => 0.5, ...options }))
  }

  /** A store that goes past the proxy, as another process without faults would. */
  async openDirect(options: StoreOptions = {}): Promise<CheckpointStore> {
    return this.#kept(await this.cloud.openStore({ endpoint: this.cloud.endpoint, bucket: this.bucket }, options))
  }

  #kept(store: CheckpointStore): CheckpointStore {
    this.#stores.push(store)
    return store
  }

  /** Overwrites or creates one object, past the proxy. */
  async plant(key: string, text: string): Promise<void> {
    await using backend = this.cloud.openBackend({ endpoint: this.cloud.endpoint, bucket: this.bucket })
    await backend.put(key, [new TextEncoder().encode(text)])
  }

  /** All keys, sorted; past the proxy. */
  async keys(): Promise<string[]> {
    await using backend = this.cloud.openBackend({ endpoint: this.cloud.endpoint, bucket: this.bucket })
    const keys: string[] = []
    for await (const { key } of backend.list("")) keys.push(key)
    return keys.sort()
  }

  seen(): SeenRequest[] {
    return this.proxy.requests.map((request) => this.cloud.see(request))
  }

  /** How many requests of each kind went through since the counts were reset. */
  counts(): Partial<Record<RequestKind, number>> {
    const counts: Partial<Record<RequestKind, number>> = {}
    for (const { kind } of this.seen()) counts[kind] = (counts[kind] ?? 0) + 1
    return counts
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const store of this.#stores) await store.close()
    await this.proxy.stop()
    await this.cloud.dropBucket?.(this.bucket)
  }
}
