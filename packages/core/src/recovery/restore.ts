import { untilAborted } from "../async/abort.js"
import type { Clock } from "../async/clock.js"
import type { OwnBytes } from "../bytes/own-bytes.js"
import { CheckpointError } from "../errors.js"
import { fatal } from "../format/manifest/issues.js"
import type { History } from "../history/history.js"
import { type Checkpoint, readJson } from "../state/checkpoint.js"
import type { StateReader } from "../state/reader.js"
import type { Place } from "../storage/place.js"
import { type Visited, walk } from "./recover.js"
import type { ExhaustedReason, RecoverOptions, Recovery, RecoveryFacts } from "./recovery.js"

/**
 * The options of `restore`. Progress is told in the phase `read` while the visitor reads, and in `verify` if `depth` is
 * `"deep"`.
 */
export interface RestoreOptions extends RecoverOptions {}

/** The answer of `restore`: a {@link Recovery}, and in `value` the visitor's result. */
export type Restored<T> = RecoveryFacts &
  (
    | {
        /** A checkpoint was visited to the end. */
        readonly outcome: "recovered"
        /** The checkpoint that was visited. */
        readonly checkpoint: Checkpoint
        /** What `visit` resolved with. */
        readonly value: T
      }
    | {
        /** Nothing was ever saved here. */
        readonly outcome: "fresh"
        /** None. */
        readonly checkpoint?: undefined
        /** None. */
        readonly value?: undefined
      }
    | {
        /** Checkpoints were saved here, and none can be used. */
        readonly outcome: "exhausted"
        /** Why none can be used. */
        readonly reason: ExhaustedReason
        /** None. */
        readonly checkpoint?: undefined
        /** None. */
        readonly value?: undefined
      }
  )

/**
 * Recovery whose last check is the visitor's own reading. If a checkpoint turns out damaged while the visitor reads it,
 * the next older checkpoint is visited. Any other error of the visitor ends the recovery.
 */
export async function restore<T>(
  history: History,
  clock: Clock,
  visit: (checkpoint: Checkpoint) => Promise<T>,
  options: RestoreOptions,
): Promise<Restored<T>> {
  const { gate } = history.place
  let given: { value: T } | undefined
  const visitOne = async (checkpoint: Checkpoint): Promise<Visited> => {
    let found: CheckpointError | undefined
    const watched = new WatchedCheckpoint(history.place, checkpoint, (error) => {
      found ??= error
    })
    try {
      // After an abort nobody waits for the visitor, even if it goes on.
      const visiting = Promise.resolve().then(() => visit(watched))
      given = { value: await gate.outside(() => untilAborted(visiting, options.signal)) }
    } catch (error) {
      options.signal?.throwIfAborted()
      if (found === undefined) throw error
    }
    if (found === undefined) return "done"
    // The visitor may have closed the store; then no older checkpoint can be visited.
    gate.assertOpen("restore")
    // Also if the visitor swallowed the error: its result rests on a damaged checkpoint.
    given = undefined
    return found.code === "CKPT_PRUNED" ? "gone" : [fatal("state-checksum", found.message)]
  }
  const { depth = "shallow", onProgress, signal } = options
  const recovery = await walk(history, clock, { ...options, depth, readers: { onProgress, signal } }, visitOne)
  if (recovery.outcome !== "recovered") return recovery
  if (given === undefined) throw new Error("a recovered checkpoint was visited")
  return { ...recovery, value: given.value }
}

/** A checkpoint that reports damage to `onDamage` while its bytes are read. */
class WatchedCheckpoint implements Checkpoint {
  readonly id: number
  readonly manifest: Checkpoint["manifest"]
  readonly #place: Place
  readonly #checkpoint: Checkpoint
  readonly #onDamage: (error: CheckpointError) => void

  constructor(place: Place, checkpoint: Checkpoint, onDamage: (error: CheckpointError) => void) {
    this.#place = place
    this.id = checkpoint.id
    this.manifest = checkpoint.manifest
    this.#checkpoint = checkpoint
    this.#onDamage = onDamage
  }

  async state(): Promise<StateReader | undefined> {
    const reader = await this.#guarded(() => this.#checkpoint.state())
    return reader && this.#watched(reader)
  }

  get operators(): readonly string[] {
    return this.#checkpoint.operators
  }

  async operatorStream(name: string): Promise<StateReader> {
    return this.#watched(await this.#guarded(() => this.#checkpoint.operatorStream(name)))
  }

  async operator(name: string): Promise<OwnBytes> {
    return (await this.operatorStream(name)).bytes()
  }

  json<T = unknown>(name?: string): Promise<T> {
    return readJson<T>(this, name, this.#place)
  }

  #watched(reader: StateReader): StateReader {
    const guarded = <R>(task: () => Promise<R>) => this.#guarded(task)
    return {
      size: reader.size,
      ...(reader.checksum === undefined ? {} : { checksum: reader.checksum }),
      async *[Symbol.asyncIterator]() {
        const chunks = reader[Symbol.asyncIterator]()
        try {
          for (;;) {
            const step = await guarded(() => chunks.next())
            if (step.done) return
            yield step.value
          }
        } finally {
          await chunks.return?.()
        }
      },
      bytes: () => guarded(() => reader.bytes()),
    }
  }

  async #guarded<R>(task: () => Promise<R>): Promise<R> {
    try {
      return await task()
    } catch (error) {
      const tells = error instanceof CheckpointError && error.checkpointId === this.id
      if (tells && (error.code === "CKPT_CORRUPT" || error.code === "CKPT_PRUNED")) this.#onDamage(error)
      throw error
    }
  }
}
