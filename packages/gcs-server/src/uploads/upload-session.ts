import { invalid, ServiceError } from "../errors.js"
import type { Attributes } from "../objects/attributes.js"
import type { Preconditions } from "../objects/preconditions.js"
import type { ObjectStore } from "../objects/store.js"
import type { StoredObject } from "../objects/stored-object.js"
import type { ContentRange } from "./content-range.js"
import { checkDeclared, type DeclaredChecksums } from "./declared-checksums.js"
import { ResumableContent } from "./resumable-content.js"

/** The options of the start of a session. They hold for the object that the session makes. */
export interface SessionStart {
  readonly bucket: string
  readonly name: string
  readonly attributes: Attributes
  readonly declared: DeclaredChecksums
  readonly preconditions: Preconditions
  /** `X-Upload-Content-Length`. */
  readonly length?: number
  /** Asked just before the object is written; throws to refuse. */
  readonly permit: () => void
}

/** `"incomplete"`: more bytes must follow, from `session.keptBytes` on. */
export type UploadState = { readonly done: StoredObject } | "incomplete"

/** One resumable upload. It becomes visible when it is complete. */
export class UploadSession {
  readonly start: SessionStart
  readonly #store: ObjectStore
  #content: ResumableContent | undefined = new ResumableContent()
  #outcome: { done: StoredObject } | { failed: ServiceError } | undefined
  #turn = 0

  constructor(start: SessionStart, store: ObjectStore) {
    this.start = start
    this.#store = store
  }

  get keptBytes(): number {
    return this.#content?.keptBytes ?? 0
  }

  /**
   * One PUT. The session belongs to the latest request. An older request that is still being read is cut: its client is
   * gone, but the connection does not show it yet.
   * @param declaredNow checksums of the whole object that came with this request
   * @throws {ServiceError} 400 for a range that does not fit, 412 at the end; an error at the end is final
   */
  async receive(
    range: ContentRange,
    body: AsyncIterable<Buffer>,
    bodyLength: number | undefined,
    declaredNow: DeclaredChecksums,
  ): Promise<UploadState> {
    const turn = ++this.#turn
    this.#content?.dropPartial()
    if (this.#outcome !== undefined) return this.#answerAgain(this.#outcome)
    if (range.kind === "status") {
      return range.total === this.keptBytes ? this.#finish(range.total, declaredNow) : "incomplete"
    }
    const wanted = range.last === undefined ? undefined : range.last - range.first + 1
    if (range.first > this.keptBytes) throw beyondOffset(range.first, this.keptBytes)
    if (wanted !== undefined && bodyLength !== undefined && bodyLength !== wanted) throw wrongLength(bodyLength, wanted)
    const received = await this.#read(turn, body, this.keptBytes - range.first, wanted)
    const content = this.#current(turn)
    if (wanted !== undefined && received !== wanted) {
      content.dropPartial()
      throw wrongLength(received, wanted)
    }
    const end = range.first + received
    // A range "a-*" without a total: the object ends where this request ends.
    const total = range.total ?? (range.last === undefined ? end : undefined)
    if (total !== undefined && end > total) throw wrongLength(received, total - range.first)
    if (end === total) return this.#finish(total, declaredNow)
    content.dropPartial()
    return "incomplete"
  }

  /** Ends an unfinished session; a finished one stays as it is. */
  cancel(): void {
    this.#turn++
    if (this.#outcome === undefined) this.#fail(new ServiceError(410, "gone", "The upload was cancelled."))
  }

  /** Bytes that are kept already are skipped. Rejects if the connection is cut; whole quanta received so far stay. */
  async #read(turn: number, body: AsyncIterable<Buffer>, skip: number, limit = Number.POSITIVE_INFINITY) {
    let received = 0
    try {
      for await (const chunk of body) {
        const content = this.#current(turn)
        const useful = chunk.subarray(Math.max(0, skip - received), Math.max(0, limit - received))
        if (useful.length > 0) content.append(useful)
        received += chunk.length
      }
      return received
    } catch (error) {
      if (turn === this.#turn) this.#content?.dropPartial()
      throw error
    }
  }

  #current(turn: number): ResumableContent {
    if (turn !== this.#turn || this.#content === undefined) {
      throw new ServiceError(503, "backendError", "Another request has taken over this upload.")
    }
    return this.#content
  }

  /** Checks and writes in one step. */
  #finish(total: number, declaredNow: DeclaredChecksums): UploadState {
    const { bucket, name, attributes, declared, preconditions, length, permit } = this.start
    const content = this.#content as ResumableContent
    content.keepAll()
    try {
      if (content.keptBytes !== total || (length !== undefined && length !== total)) {
        throw invalid(`Invalid request. The upload has ${content.keptBytes} byte(s), not ${length ?? total}.`)
      }
      const checksums = content.checksums()
      checkDeclared(declared, checksums)
      checkDeclared(declaredNow, checksums)
      permit()
      const done = this.#store.insert(
        bucket,
        { name, attributes, content: content.content(), ...checksums },
        preconditions,
      )
      // Kept for later answers, but without the bytes, so that memory is freed when the object is deleted.
      this.#outcome = { done: { ...done, content: { chunks: [], size: total } } }
      this.#content = undefined
      return this.#outcome
    } catch (error) {
      if (error instanceof ServiceError) this.#fail(error)
      throw error
    }
  }

  #fail(failed: ServiceError): void {
    this.#outcome = { failed }
    this.#content = undefined
  }

  #answerAgain(outcome: { done: StoredObject } | { failed: ServiceError }): UploadState {
    if ("failed" in outcome) throw outcome.failed
    return outcome
  }
}

function beyondOffset(offset: number, kept: number): ServiceError {
  const said = `According to the Content-Range header, the upload offset is ${offset} byte(s)`
  return new ServiceError(
    400,
    "badRequest",
    `Invalid request.  ${said}, which exceeds already uploaded size of ${kept} byte(s).`,
  )
}

function wrongLength(received: number, wanted: number): ServiceError {
  const said = `There were ${received} byte(s) in the request body.  There should have been ${wanted} byte(s)`
  return new ServiceError(400, "badRequest", `Invalid request.  ${said} according to the Content-Range header.`)
}
