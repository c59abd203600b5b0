import type { Clock, ObjectBackend } from "@ckpt/core"
import { CkptSaver, type CkptSaverEvent } from "@ckpt/langgraph"
import type { CheckpointTuple } from "@langchain/langgraph-checkpoint"
import type { ProcessClock } from "../process/clock.js"
import { direct } from "../storage/direct.js"
import type { SimulatedStorage } from "../storage/storage.js"

export type Config = CheckpointTuple["config"]

/** Longer values are objects of their own. */
const inlineBytes = 40

const serde = {
  dumpsTyped: async (value: unknown): Promise<[string, Uint8Array]> => ["json", Buffer.from(JSON.stringify(value))],
  loadsTyped: async (_type: string, bytes: Uint8Array | string): Promise<unknown> =>
    JSON.parse(Buffer.from(bytes as Uint8Array).toString()),
}

interface SaverOptions {
  readonly Saver?: typeof CkptSaver | undefined
  readonly attempts?: number
  readonly onEvent?: (event: CkptSaverEvent) => void
}

/** A saver whose waits take no time. */
export function openSaver(
  backend: ObjectBackend,
  clock: Clock,
  { Saver = CkptSaver, attempts = 1, onEvent }: SaverOptions = {},
): CkptSaver {
  return new Saver({
    backend,
    clock,
    serde,
    inlineBytes,
    random: () => 0,
    retry: { attempts },
    onEvent,
    timeoutMs: Number.POSITIVE_INFINITY,
  })
}

/** A saver that sees the storage as it is now. */
export function saverAt(storage: SimulatedStorage, clock: ProcessClock, Saver?: typeof CkptSaver): CkptSaver {
  return openSaver(direct(storage), clock, { Saver })
}

/** The large value of a channel. */
export const largeValue = (channel: string, value: number): string => `${channel} ${value} `.padEnd(60, ".")
