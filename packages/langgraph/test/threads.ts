import { createCipheriv } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import { BackendError, type Clock, type ObjectBackend } from "@ckpt/core"
import { type Checkpoint, type CheckpointTuple, emptyCheckpoint, uuid6 } from "@langchain/langgraph-checkpoint"
import type { CkptSaver } from "../src/index.js"

type Config = CheckpointTuple["config"]
type Metadata = NonNullable<CheckpointTuple["metadata"]>

export const loop: Metadata = { source: "loop", step: 0, parents: {} }

export const threadOf = (thread_id: string, checkpoint_ns = ""): Config => ({
  configurable: { thread_id, checkpoint_ns },
})

export const withId = (config: Config, checkpoint_id: string): Config => ({
  configurable: { ...config.configurable, checkpoint_id },
})

/** A checkpoint with these values, each of version 1 unless given. */
export function checkpointOf(
  channel_values: Record<string, unknown>,
  { id = uuid6(0), version = 1 }: { id?: string; version?: number } = {},
): Checkpoint {
  const channel_versions = Object.fromEntries(Object.keys(channel_values).map((channel) => [channel, version]))
  return { ...emptyCheckpoint(), id, channel_values, channel_versions }
}

/** Stores a checkpoint whose values are all new. */
export function putOn(saver: CkptSaver, config: Config, checkpoint: Checkpoint, metadata = loop): Promise<Config> {
  return saver.put(config, checkpoint, metadata, checkpoint.channel_versions)
}

export const idOfConfig = (config: Config | undefined): string => config?.configurable?.["checkpoint_id"]

export async function idsOf(saver: CkptSaver, config: Config): Promise<string[]> {
  const ids: string[] = []
  for await (const { checkpoint } of saver.list(config)) ids.push(checkpoint.id)
  return ids
}

/** All keys, sorted. */
export async function keysOf(backend: ObjectBackend): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of backend.list("")) if (!key.startsWith(".ckpt-")) keys.push(key)
  return keys.sort()
}

/** A clock whose time of day is the test's. */
export const clockWith = (now: () => number): Clock => ({
  now,
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    sleep(ms, undefined, { signal, ref: false }).catch(() => {
      throw signal?.reason
    }),
})

/** A value above the limit for values that lie in their checkpoint. */
export const large = (text: string): string => text.repeat(Math.ceil(20_000 / text.length))

/** Bytes that look random, the same for the same seed. */
export function noise(seed: number, size: number): Buffer {
  const key = Buffer.alloc(16)
  key.writeUInt32BE(seed)
  return createCipheriv("aes-128-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(size))
}

/** A text of so many KiB that looks random, the same for the same seed. */
export const text = (seed: number, kib: number): string => noise(seed, kib * 768).toString("base64")

/** The values of a chat's steps: a turn is an input, a step with the question, and a step with the answer, each message of 1 KiB. */
export function* chat(turns: number): Generator<Record<string, unknown>> {
  const messages: object[] = []
  for (let turn = 0; turn < turns; turn++) {
    const input = { role: "user", content: text(2 * turn, 1) }
    yield { messages: [...messages], __start__: { messages: [input] } }
    messages.push(input)
    yield { messages: [...messages], "branch:to:model": null }
    messages.push({ role: "ai", content: text(2 * turn + 1, 1) })
    yield { messages: [...messages] }
  }
}

/** A backend that tells each call before it makes it. What `before` throws is the call's failure; a call waits for its promise. */
export function watched(backend: ObjectBackend, before: (call: string, key: string) => unknown): ObjectBackend {
  return new Proxy(backend, {
    get(target, name) {
      const member = Reflect.get(target, name, target)
      if (typeof member !== "function") return member
      return (...given: unknown[]) => {
        if (name === "list")
          return listing(
            () => before(name, String(given[0])),
            () => member.apply(target, given),
          )
        if (name === Symbol.asyncDispose) return member.apply(target, given)
        return (async () => {
          await before(String(name), String(given[0]))
          return member.apply(target, given)
        })()
      }
    },
  })
}

/**
 * A backend that makes so many requests that change something, and no more, as if its process had ended. The check of the storage is not
 * counted.
 *
 * @param onCut called with each request that is not made
 */
export function cutOff(backend: ObjectBackend, allowed: number, onCut = () => {}): ObjectBackend {
  let left = allowed
  return watched(backend, (call, key) => {
    if ((call !== "put" && call !== "delete") || key.includes(".ckpt-probe") || left-- > 0) return
    onCut()
    throw new BackendError("permanent", "the process has ended")
  })
}

/** A backend as of a filesystem whose last sync failed: what is at these keys may be undone by a power cut. */
export function doubting(backend: ObjectBackend, isInDoubt: (key: string) => boolean): ObjectBackend {
  const confirm = async (keys: readonly string[]) => {
    if (keys.some(isInDoubt)) throw new BackendError("ambiguous", "the sync failed")
  }
  return new Proxy(backend, {
    get(target, name) {
      const member: unknown = name === "confirm" ? confirm : Reflect.get(target, name)
      return typeof member === "function" ? member.bind(target) : member
    },
  })
}

async function* listing(before: () => unknown, list: () => AsyncIterable<unknown>): AsyncGenerator<unknown> {
  await before()
  yield* list()
}
