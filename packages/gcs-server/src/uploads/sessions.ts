import { randomBytes } from "node:crypto"
import { ServiceError } from "../errors.js"
import { checkPreconditions } from "../objects/preconditions.js"
import type { ObjectStore } from "../objects/store.js"
import { type SessionStart, UploadSession } from "./upload-session.js"

const weekMs = 7 * 24 * 60 * 60 * 1000

/** The resumable uploads by their ids. A session lives for a week. */
export class UploadSessions {
  readonly #sessions = new Map<string, { session: UploadSession; startedAt: number }>()
  readonly #store: ObjectStore
  readonly #now: () => number

  constructor(store: ObjectStore, now: () => number) {
    this.#store = store
    this.#now = now
  }

  /**
   * The precondition counts at the end. It is checked here too, to spare a client the bytes that would be refused.
   * @returns the id
   * @throws {ServiceError} 412
   */
  open(start: SessionStart): string {
    checkPreconditions(start.preconditions, this.#store.peek(start.bucket, start.name), "write")
    const id = randomBytes(48).toString("base64url")
    this.#sessions.set(id, { session: new UploadSession(start, this.#store), startedAt: this.#now() })
    return id
  }

  /** @throws {ServiceError} 404 for an id that was never given out, 410 for one that is too old */
  find(bucket: string, id: string): UploadSession {
    const found = this.#sessions.get(id)
    if (found === undefined || found.session.start.bucket !== bucket) {
      throw new ServiceError(404, "notFound", "Not Found")
    }
    if (this.#now() - found.startedAt > weekMs) {
      throw new ServiceError(410, "gone", "The upload session has expired.")
    }
    return found.session
  }
}
