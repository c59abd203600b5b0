import type { IncomingMessage } from "node:http"
import type { ProxiedRequest } from "./fault.js"
import { RequestRecord } from "./request.js"

interface Watcher {
  readonly condition: (request: ProxiedRequest) => boolean
  readonly resolve: (request: ProxiedRequest) => void
  readonly reject: (reason: unknown) => void
}

/** Every request in order of arrival, and whoever waits for one of them. */
export class RequestLog {
  readonly requests: RequestRecord[] = []
  readonly #watchers = new Set<Watcher>()

  add(message: IncomingMessage): RequestRecord {
    const record = new RequestRecord(this.requests.length, message)
    this.requests.push(record)
    return record
  }

  forget(): void {
    this.requests.length = 0
  }

  /** The first request, past or to come, of which the condition holds. */
  seen(condition: (request: ProxiedRequest) => boolean): Promise<ProxiedRequest> {
    const found = this.requests.find(condition)
    if (found !== undefined) return Promise.resolve(found)
    return new Promise((resolve, reject) => this.#watchers.add({ condition, resolve, reject }))
  }

  /** Asks every condition again. */
  changed(record: RequestRecord): void {
    for (const watcher of this.#watchers) {
      try {
        if (!watcher.condition(record)) continue
        watcher.resolve(record)
      } catch (error) {
        watcher.reject(error)
      }
      this.#watchers.delete(watcher)
    }
  }

  /** No request will come any more: rejects for whoever waits. */
  stop(reason: unknown): void {
    for (const { reject } of this.#watchers) reject(reason)
    this.#watchers.clear()
  }
}
