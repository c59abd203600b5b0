import { chmod } from "node:fs/promises"
import { s3 } from "../cloud/s3.mjs"
import { startService } from "../services/service.mjs"

/** The servers of one measurement, and the lines to them. Each is started when it is first asked for. */
export class Services {
  /** @param {import("../lib/disk.mjs").Workplace} workplace */
  constructor(workplace) {
    this.workplace = workplace
    /** @type {Map<string, Promise<any>>} */
    this.started = new Map()
    /** @type {import("../services/service.mjs").Service[]} */
    this.running = []
  }

  /**
   * @param {string} file
   */
  service(file) {
    const service = startService(file)
    this.running.push(service)
    return service
  }

  /**
   * @template T
   * @param {string} name
   * @param {() => Promise<T>} start
   * @returns {Promise<T>}
   */
  once(name, start) {
    if (!this.started.has(name)) this.started.set(name, start())
    return /** @type {Promise<T>} */ (this.started.get(name))
  }

  /** The tests' S3 server. */
  s3() {
    return this.once("s3", async () => {
      const server = await this.service("servers.mjs").call("s3")
      if (server === undefined) throw new Error("no S3 server can run here")
      return /** @type {Record<string, string>} */ (server)
    })
  }

  /** @returns {Promise<{ port: number, version: string }>} */
  postgres() {
    return this.once("postgres", async () => {
      // Postgres runs as a user of its own.
      await chmod(this.workplace.folder, 0o711)
      const folder = await this.workplace.fresh()
      return this.service("postgres.mjs").call("start", folder)
    })
  }

  /**
   * A proxy to a port, with a latency; all that asks for the same has the same.
   *
   * @param {number} port
   * @param {number} delayMs added to each round trip
   * @returns {Promise<{ port: number, counted: () => Promise<{ requests: number, received: number }> }>}
   */
  line(port, delayMs) {
    return this.once(`${port} ${delayMs}`, async () => {
      const proxy = this.service("proxy.mjs")
      return { port: await proxy.call("start", port, delayMs), counted: () => proxy.call("counted") }
    })
  }

  /** A bucket of its own for each caller. @type {() => Promise<string>} */
  async bucket() {
    const bucket = `bench-langgraph-${process.pid}-${Date.now().toString(36)}-${++this.buckets}`
    await s3.createBucket(await this.s3(), bucket)
    return bucket
  }

  buckets = 0

  async stop() {
    for (const service of this.running.reverse()) await service.stop()
  }
}
