import assert from "node:assert/strict"
import type { ObjectBackend, UploadInParts } from "@ckpt/core"
import { aBoolean, aFunction, milliseconds, type ShapeOf, wholeNumber } from "@ckpt/core/adapter"
import type { StorageFactory } from "./storage.js"
import { takingStreams } from "./streams.js"

/**
 * An optional part of a backend: `parts`, `commit`, `leftovers` or `claim`. A case that needs a missing part is left out, and the
 * table says so.
 */
export type Need = "parts" | "commit" | "leftovers" | "claim"

/** What a case works with. */
export interface CaseContext {
  /**
   * A backend over an empty storage that only this case uses. Its `put` writes as core does: a long body goes in parts if
   * the backend has them, and so does a stream that does not fit one part.
   */
  readonly backend: ObjectBackend
  /** The parts of the backend, for a case that needs them. */
  readonly parts: UploadInParts | undefined
  /** Opens one more backend over the same storage, as another process would. It is disposed of at the end. */
  another(): Promise<ObjectBackend>
  /** A size that the backend sends in several parts, if it ever does. */
  readonly largeBytes: number
  /** True: the case may take minutes, and write objects of up to 20 MiB. */
  readonly thorough: boolean
  /** Of the random sequences, if a run is to be repeated: then nothing is left out because the storage is slow. */
  readonly seed: number | undefined
  /** Adds a remark to the row of this case in the table. */
  note(text: string): void
}

/** One requirement on a backend, as data. Any test runner can run it, and none is needed. */
export interface BackendCase {
  /** The requirement, as the table shows it. */
  readonly name: string
  /** One sentence: the loss that a user would suffer if a backend failed here. */
  readonly loses: string
  /** The parts without which the case makes no sense. Default: none. */
  readonly needs?: readonly Need[]
  /** Rejects if the backend does not meet the requirement, best with an `AssertionError`. */
  run(context: CaseContext): Promise<void>
}

/** What every run of cases needs. */
export interface CaseOptions {
  /** Makes a fresh storage for each case. */
  readonly factory: StorageFactory
  /** See {@link CaseContext.largeBytes}; default 20 MiB. Give more if your backend's parts are larger than 8 MiB. */
  readonly largeBytes?: number | undefined
  /** True: more of everything, in minutes. For an adapter that was changed, and once in a while. Default false. */
  readonly thorough?: boolean | undefined
  /** Of the random sequences: a whole number. The table and a failure name the seed of their run. Default: another each time. */
  readonly seed?: number | undefined
  /**
   * A case that takes longer has failed, since a call that never answers is a fault too. Default two minutes, or a quarter of an
   * hour if `thorough`.
   */
  readonly timeoutMs?: number | undefined
}

/** The kinds of {@link CaseOptions}. */
export const caseShape: ShapeOf<CaseOptions> = {
  fields: {
    factory: aFunction,
    largeBytes: wholeNumber(1),
    thorough: aBoolean,
    seed: wholeNumber(0),
    timeoutMs: milliseconds(1),
  },
  example: "{ factory }",
}

const defaultTimeoutMs = 120_000
const thoroughTimeoutMs = 900_000
const defaultLargeBytes = 20 * 1024 * 1024

/** The limit of a case, in milliseconds. */
export function timeoutOf({ timeoutMs, thorough }: CaseOptions): number {
  return timeoutMs ?? (thorough === true ? thoroughTimeoutMs : defaultTimeoutMs)
}

/** Runs one case on a fresh storage. Resolves with its remarks, or rejects with its failure. */
export async function runCase(one: BackendCase, options: CaseOptions): Promise<string[]> {
  const timeoutMs = timeoutOf(options)
  const notes: string[] = []
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(stuck(timeoutMs)), timeoutMs)
  })
  try {
    await Promise.race([runOnStorage(one, options, notes), deadline])
  } finally {
    clearTimeout(timer)
  }
  return notes
}

function stuck(timeoutMs: number): Error {
  const actual = `no end after ${timeoutMs} ms: a call was never answered, or is very slow`
  return new assert.AssertionError({ message: "the case as a whole", expected: "an end", actual, operator: "fail" })
}

async function runOnStorage(one: BackendCase, options: CaseOptions, notes: string[]): Promise<void> {
  const storage = await options.factory()
  const opened: ObjectBackend[] = []
  const open = async () => {
    const backend = await storage.open()
    opened.push(backend)
    return backend
  }
  try {
    const backend = await open()
    await one.run({
      backend: takingStreams(backend),
      parts: backend.parts,
      another: async () => takingStreams(await open()),
      largeBytes: options.largeBytes ?? defaultLargeBytes,
      thorough: options.thorough ?? false,
      seed: options.seed,
      note: (text) => notes.push(text),
    })
  } finally {
    for (const backend of new Set(opened)) await backend[Symbol.asyncDispose]()
    await storage.dispose?.()
  }
}

/** The parts that the case needs and this backend lacks. */
export function missing(one: BackendCase, backend: ObjectBackend): Need[] {
  return (one.needs ?? []).filter((need) => backend[need] === undefined)
}
