import { CheckpointError, openObjects } from "@ckpt/core"
import { checkOptions } from "@ckpt/core/adapter"
import {
  BaseCheckpointSaver,
  type ChannelVersions,
  type Checkpoint,
  type CheckpointListOptions,
  type CheckpointMetadata,
  type CheckpointTuple,
  getCheckpointId,
  type PendingWrite,
} from "@langchain/langgraph-checkpoint"
import { checkThreadId, missing, placeOf } from "./arguments.js"
import { Calls } from "./calls.js"
import type { Config, Context } from "./context.js"
import { copyThread } from "./copy.js"
import { checkExpiry, type ExpireThreadsOptions, expireThreads } from "./expire.js"
import { KnownPieces } from "./known.js"
import { type CkptSaverOptions, saverShape } from "./options.js"
import { pruneThread } from "./prune.js"
import { put } from "./put.js"
import { getTuple, list } from "./read.js"
import { deleteThread } from "./remove.js"
import { Retention } from "./retention.js"
import { checkRules, type PrunedThread, type PruneThreadOptions } from "./rules.js"
import { putWrites } from "./writes.js"

/**
 * Keeps the checkpoints of LangGraph's threads on any storage of `@ckpt`. What it returns has been verified, byte by byte. Several
 * processes may work on one thread: nothing that one has stored is overwritten by another.
 */
export class CkptSaver extends BaseCheckpointSaver implements AsyncDisposable {
  readonly #context: Context
  readonly #calls = new Calls()
  readonly #retention: Retention | undefined

  /**
   * Makes no request.
   *
   * @throws {CheckpointError} `CKPT_INVALID` for options that cannot be used
   */
  constructor(options: CkptSaverOptions) {
    const { backend, serde, inlineBytes = 16 * 1024, retain, onEvent, ...rest } = options ?? {}
    checkOptions("CkptSaver", options, saverShape)
    if (retain !== undefined) checkRules("CkptSaver: retain", retain)
    super(serde)
    const tell: Context["tell"] = (event) => {
      try {
        onEvent?.(event)
      } catch {}
    }
    const objects = openObjects(backend, { ...rest, onEvent: (event) => event.type === "retry" && tell(event) })
    const now = () => rest.clock?.now() ?? Date.now()
    this.#context = { objects, serde: this.serde, inlineBytes, known: new KnownPieces(), tell, now }
    if (retain === undefined) return
    const { random = Math.random } = rest
    this.#retention = new Retention(retain, (threadId) => this.pruneThread(threadId, retain), { tell, random })
  }

  /**
   * A checkpoint, with what its tasks have written. Without an id it is the latest that verifies: one that does not is passed over, and the
   * event `damaged` tells it.
   *
   * @throws {CheckpointError} `CKPT_CORRUPT` if the checkpoint with this id does not verify, or none of a thread does; `CKPT_INVALID`
   *   for a config that cannot be used; and the codes of `openObjects`
   */
  async getTuple(config: Config): Promise<CheckpointTuple | undefined> {
    if (config.configurable?.["thread_id"] === undefined) return undefined
    const place = placeOf("getTuple", config)
    return this.#calls.run("getTuple", () => getTuple(this.#context, place, getCheckpointId(config)))
  }

  /**
   * The checkpoints, the latest first. Those that do not verify are left out, and the event `damaged` tells it. Without a thread or a
   * namespace, all names are read before the first checkpoint is given.
   *
   * @throws {CheckpointError} `CKPT_INVALID` for a config that cannot be used; and the codes of `openObjects`
   */
  async *list(config: Config, options: CheckpointListOptions = {}): AsyncGenerator<CheckpointTuple> {
    yield* this.#calls.steps("list", list(this.#context, config, options))
  }

  /**
   * Stores a checkpoint. After a failure the same call may be made again.
   *
   * @throws {CheckpointError} `CKPT_CONFLICT` if the thread has another checkpoint with this id, which stays as it is; `CKPT_INVALID`
   *   for a config that cannot be used; and the codes of `openObjects`
   */
  async put(
    config: Config,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
    newVersions: ChannelVersions,
  ): Promise<Config> {
    const place = placeOf("put", config)
    const parentId: string | undefined = config.configurable?.["checkpoint_id"]
    const given = { ...place, parentId, checkpoint, metadata, newVersions }
    const { id } = checkpoint
    await this.#calls.run("put", () => put(this.#context, given))
    this.#retention?.afterPut(place.threadId)
    const { threadId, checkpointNs } = place
    return { configurable: { thread_id: threadId, checkpoint_ns: checkpointNs, checkpoint_id: id } }
  }

  /**
   * Stores what a task has written on top of a checkpoint. A write that is stored already stays; of interrupts, resumes and errors the
   * last one holds.
   *
   * @throws {CheckpointError} `CKPT_INVALID` for a config that cannot be used; and the codes of `openObjects`
   */
  async putWrites(config: Config, writes: PendingWrite[], taskId: string, taskPath = ""): Promise<void> {
    const place = placeOf("putWrites", config)
    const checkpointId: unknown = config.configurable?.["checkpoint_id"]
    if (typeof checkpointId !== "string") throw missing("putWrites", "checkpoint_id", checkpointId)
    const given = { ...place, checkpointId, taskId, taskPath, writes }
    await this.#calls.run("putWrites", () => putWrites(this.#context, given))
  }

  /**
   * Removes all checkpoints of a thread, the latest of a namespace last, then their writes, then the pieces of their values. If it fails
   * or its process dies, the same call completes it. The thread must not run meanwhile.
   *
   * @throws {CheckpointError} `CKPT_INVALID` for an id that is no string; and the codes of `openObjects`
   */
  async deleteThread(threadId: string): Promise<void> {
    checkThreadId("deleteThread", threadId)
    await this.#calls.run("deleteThread", () => deleteThread(this.#context, threadId))
  }

  /**
   * Removes the checkpoints of a thread that no rule keeps, with their writes, and the pieces of large values that no checkpoint names,
   * from the fourth day after they were stored. The latest checkpoint of the graph stays, and so does what another that stays needs: the
   * checkpoints of its subgraphs, and the ancestors from which the value of a `DeltaChannel` is made. A checkpoint that does not verify
   * stays too, and the event `damaged` tells it: then no piece is removed. May run beside others that work on the thread. If it fails or
   * its process dies, the next call goes on.
   *
   * @throws {CheckpointError} `CKPT_INVALID` for an id that is no string, and for rules that cannot be used; and the codes of `openObjects`
   */
  async pruneThread(threadId: string, rules: PruneThreadOptions): Promise<PrunedThread> {
    checkThreadId("pruneThread", threadId)
    checkRules("pruneThread", rules)
    return this.#calls.run("pruneThread", () => pruneThread(this.#context, threadId, rules))
  }

  /**
   * Removes the threads to which nothing was written for a time, as `deleteThread` does, and what deletions that broke off have left. A
   * thread that only was read is idle, and so is a thread that waits for a person. Pieces of large values go from the fourth day after they
   * were stored, by this call or a later one. May run beside others: a thread that somebody writes to meanwhile stays, from the latest
   * checkpoint on. If it fails or its process dies, the next call goes on.
   *
   * @returns the ids of the threads whose checkpoints it has removed, but for a long id of which no checkpoint verifies
   * @throws {CheckpointError} `CKPT_INVALID` for options that cannot be used; and the codes of `openObjects`
   */
  async expireThreads(options: ExpireThreadsOptions): Promise<string[]> {
    checkExpiry(options)
    return this.#calls.run("expireThreads", () => expireThreads(this.#context, options))
  }

  /**
   * Copies the checkpoints of a thread to another thread, with their writes: to try something without changing the original. Checkpoints
   * that do not verify are left out, and the event `damaged` tells it. If it fails or its process dies, the copy is the beginning of the
   * thread, and the same call completes it.
   *
   * @returns how many checkpoints the copy has
   * @throws {CheckpointError} `CKPT_CONFLICT` if the other thread has another checkpoint with the same id; `CKPT_INVALID` for an id that
   *   is no string, and if both are one thread; and the codes of `openObjects`
   */
  async copyThread(from: string, to: string): Promise<number> {
    checkThreadId("copyThread", from)
    checkThreadId("copyThread", to)
    if (from === to) throw new CheckpointError("CKPT_INVALID", "copyThread: both are one thread; give another id.")
    return this.#calls.run("copyThread", () => copyThread(this.#context, from, to))
  }

  /** Waits for the calls under way, and for a prune of `retain`. With `ownsBackend`, it also closes the backend. */
  async close(): Promise<void> {
    await this.#calls.close()
    await this.#context.objects.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
