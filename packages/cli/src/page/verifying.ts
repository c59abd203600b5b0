import { CheckpointError, type CheckpointSummary, type Progress, type ValidationIssue } from "@ckpt/core"
import { isGone } from "../looking/verify.js"
import type { Door } from "./door.js"
import { type Failure, failureOf } from "./failure.js"
import type { Slots } from "./slots.js"

/** What a reading of every byte found, and of which version of the checkpoint. */
export interface Finding {
  readonly id: number
  readonly valid: boolean
  readonly issues: readonly ValidationIssue[]
  /** When: milliseconds since 1970. */
  readonly at: number
  /** The manifest was last written then; a finding about another version says nothing. */
  readonly lastModified: number
}

/** Some checkpoints that are verified one after the other. */
export interface Job {
  readonly number: number
  readonly ids: readonly number[]
  state: "waiting" | "running" | "done" | "cancelled" | "failed"
  /** How many are verified. */
  done: number
  /** How many of them are damaged. */
  damaged: number
  /** The damaged ones, 100 at most. */
  readonly findings: Finding[]
  bytesDone: number
  /** Bytes of all states, by the manifests. */
  readonly bytesTotal: number
  startedAt: number | undefined
  endedAt: number | undefined
  failure: Failure | undefined
}

const keptJobs = 50
const toldFindings = 100
/** Jobs that wait, of one store. */
const waitingJobs = 8

/** Verifies checkpoints of one store, and remembers what it found as long as the page is served. */
export class Verifying {
  readonly #door: Door
  readonly #slots: Slots
  readonly #found = new Map<number, Finding>()
  readonly #jobs: Job[] = []
  readonly #aborts = new Map<Job, AbortController>()
  readonly #listeners = new Map<Job, Set<() => void>>()
  readonly #onFound: () => void
  readonly #running = new Set<Promise<void>>()
  #last = 0
  /** Goes up with each finding, so that a browser can ask for what is newer than what it has. */
  version = 0

  constructor(door: Door, slots: Slots, onFound: () => void) {
    this.#door = door
    this.#slots = slots
    this.#onFound = onFound
  }

  /** Latest first. */
  get jobs(): readonly Job[] {
    return this.#jobs
  }

  job(number: number): Job | undefined {
    return this.#jobs.find((job) => job.number === number)
  }

  /** What was found about this version of the checkpoint. */
  finding({ id, lastModified }: CheckpointSummary): Finding | undefined {
    const found = this.#found.get(id)
    return found?.lastModified === lastModified.getTime() ? found : undefined
  }

  /** When a verification last ended: milliseconds since 1970; undefined if none has. */
  get lastAt(): number | undefined {
    return this.#last === 0 ? undefined : this.#last
  }

  /**
   * Begins to verify. The job waits if others run.
   *
   * @throws {CheckpointError} `CKPT_CONFLICT` if too many wait
   */
  start(checkpoints: readonly CheckpointSummary[]): Job {
    if (this.#jobs.filter(({ state }) => state === "waiting").length >= waitingJobs) {
      throw new CheckpointError("CKPT_CONFLICT", `${waitingJobs} verifications wait already: cancel one, or wait.`)
    }
    const job: Job = {
      ...{ number: (this.#jobs[0]?.number ?? 0) + 1, ids: checkpoints.map(({ id }) => id) },
      ...{ state: "waiting", done: 0, damaged: 0, findings: [], bytesDone: 0 },
      bytesTotal: checkpoints.reduce((sum, { stateSize = 0 }) => sum + stateSize, 0),
      ...{ startedAt: undefined, endedAt: undefined, failure: undefined },
    }
    this.#jobs.unshift(job)
    this.#forgetOld()
    const abort = new AbortController()
    this.#aborts.set(job, abort)
    const running = this.#run(job, checkpoints, abort.signal).finally(() => this.#running.delete(running))
    this.#running.add(running)
    return job
  }

  /** A job that is not over stays, however old it is: nobody could cancel it otherwise. */
  #forgetOld(): void {
    for (let at = this.#jobs.length - 1; at >= keptJobs; at--) {
      const over = this.#jobs.findLastIndex(({ endedAt }) => endedAt !== undefined)
      if (over < 0) return
      this.#jobs.splice(over, 1)
    }
  }

  cancel(job: Job): void {
    this.#aborts.get(job)?.abort()
  }

  /** Calls the listener whenever the job has come further. */
  follow(job: Job, listener: () => void): () => void {
    const listeners = this.#listeners.get(job) ?? new Set()
    this.#listeners.set(job, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0) this.#listeners.delete(job)
    }
  }

  /** Forgets what it knows about checkpoints that are gone. */
  forgetAllBut(ids: ReadonlyMap<number, unknown>): void {
    for (const id of this.#found.keys()) if (!ids.has(id)) this.#found.delete(id)
  }

  async close(): Promise<void> {
    for (const abort of this.#aborts.values()) abort.abort()
    await Promise.all(this.#running)
  }

  async #run(job: Job, checkpoints: readonly CheckpointSummary[], signal: AbortSignal): Promise<void> {
    const free = await this.#slots.take(signal)
    try {
      if (free === undefined) return
      job.state = "running"
      job.startedAt = Date.now()
      for (const checkpoint of checkpoints) {
        if (signal.aborted) return
        await this.#verify(job, checkpoint, signal)
        this.#tell(job)
      }
      job.state = "done"
    } catch (error) {
      if (signal.aborted) return
      job.state = "failed"
      job.failure = failureOf(error)
    } finally {
      free?.()
      if (job.state === "waiting" || job.state === "running") job.state = "cancelled"
      job.endedAt = Date.now()
      this.#aborts.delete(job)
      this.#tell(job)
      this.#onFound()
    }
  }

  /** Verifies one checkpoint without a job, when a slot is free. A failure of the storage is left to the next look. */
  async verifyOne(checkpoint: CheckpointSummary, signal: AbortSignal): Promise<void> {
    const free = await this.#slots.take(signal)
    try {
      if (free !== undefined) await this.#read(checkpoint, signal, () => {})
    } catch {
      // The listing fails as well, and says why.
    } finally {
      free?.()
      this.#onFound()
    }
  }

  async #verify(job: Job, checkpoint: CheckpointSummary, signal: AbortSignal): Promise<void> {
    const before = job.bytesDone
    const found = await this.#read(checkpoint, signal, (bytes) => {
      job.bytesDone = before + bytes
      this.#tell(job)
    })
    job.done++
    if (found.valid || isGone(found)) return
    job.damaged++
    if (job.findings.length < toldFindings) job.findings.push(found)
  }

  async #read(
    { id, lastModified }: CheckpointSummary,
    signal: AbortSignal,
    onBytes: (bytes: number) => void,
  ): Promise<Finding> {
    const { store } = await this.#door.open(signal)
    const onProgress = ({ bytesDone }: Progress) => onBytes(bytesDone)
    const { valid, issues } = await store.verify(id, { depth: "deep", signal, onProgress })
    const found = { id, valid, issues, at: Date.now(), lastModified: lastModified.getTime() }
    this.#last = found.at
    if (!isGone(found)) {
      this.#found.set(id, found)
      this.version++
    }
    return found
  }

  #tell(job: Job): void {
    for (const listener of this.#listeners.get(job) ?? []) listener()
  }
}
