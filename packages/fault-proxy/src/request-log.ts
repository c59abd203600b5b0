import type { IncomingMessage } from "node:http"
import type { ProxiedRequest } from "./fault.js"
import { RequestRecord } from "./request.js"

interface Watcher {
  readonly condition: (request: ProxiedRequest) => boolean
  readonly resolve: (request: ProxiedRequest) => void
  readonly reject: (reason: unknown) => void
}

/** Every request in order of arrival, and the callers that wait for one. */
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

  /** The first request, past or to come, that fits the condition. */
  seen(condition: (request: ProxiedRequest) => boolean): Promise<ProxiedRequest> {
    const found = this.requests.find(condition)
    if (found !== undefined) return Promise.resolve(found)
    return new Promise((resolve, reject) => this.#watchers.add({ condition, resolve, reject }))
  }

  /** The request has changed: asks every condition again. */
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

  /** No request will come any more: rejects every caller that waits. */
  stop(reason: unknown): void {
    for (const { reject } of this.#watchers) reject(reason)
    this.#watchers.clear()
  }
}
