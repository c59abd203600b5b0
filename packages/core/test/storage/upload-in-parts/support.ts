import { expect } from "vitest"
import { BackendError } from "../../../src/errors.js"
import type {
  Body,
  ObjectBackend,
  ObjectMeta,
  PutOptions,
  RequestOptions,
  UploadInParts,
  UploadPart,
} from "../../../src/storage/backend.js"
import { putBody } from "../../../src/storage/put-body.js"
import type { Attempt, UploadOptions } from "../../../src/storage/upload-in-parts.js"

export type Step = { step: "whole" | "begin" | "part" | "complete" | "abandon"; part?: number }

/** A storage that notes what it was asked for, and puts parts together as they were numbered. */
export class Recorder implements UploadInParts<string, number> {
  partBytes: (index: number, size?: number) => number = () => 4
  concurrency = 2
  readonly steps: Step[] = []
  readonly parts = new Map<number, UploadPart>()
  stored: Uint8Array | undefined
  when: PutOptions["when"]
  underWay = 0
  mostUnderWay = 0
  onPart: (part: UploadPart, signal: AbortSignal) => Promise<void> = async () => {}
  onComplete: () => Promise<void> = async () => {}

  #meta(): ObjectMeta {
    return { key: "k", size: this.stored?.length ?? 0, version: "v", lastModified: new Date(0) }
  }

  /** Of the backend whose parts these are. */
  async put(_: string, body: Body): Promise<ObjectMeta> {
    this.steps.push({ step: "whole" })
    expect(Array.isArray(body)).toBe(true)
    this.stored = new Uint8Array(Buffer.concat(body as Uint8Array[]))
    return this.#meta()
  }

  async begin(_key: string, { when }: PutOptions): Promise<string> {
    this.steps.push({ step: "begin" })
    this.when = when
    return "upload"
  }

  async part(_: string, part: UploadPart, { signal }: RequestOptions): Promise<number> {
    this.steps.push({ step: "part", part: part.index })
    this.mostUnderWay = Math.max(this.mostUnderWay, ++this.underWay)
    try {
      await this.onPart(part, signal as AbortSignal)
      this.parts.set(part.index, { ...part, bytes: part.bytes.slice() })
      return part.index
    } finally {
      this.underWay--
    }
  }

  async complete(_: string, parts: readonly number[], { size }: { size: number }): Promise<ObjectMeta> {
    this.steps.push({ step: "complete" })
    await this.onComplete()
    const chunks = parts.map((index) => this.parts.get(index)?.bytes ?? new Uint8Array())
    this.stored = new Uint8Array(Buffer.concat(chunks))
    expect(this.stored.length).toBe(size)
    return this.#meta()
  }

  async abandon(): Promise<void> {
    this.steps.push({ step: "abandon" })
  }

  named(): string[] {
    return this.steps.map(({ step, part }) => (part === undefined ? step : `${step} ${part}`))
  }
}

export const text = (s: string) => new TextEncoder().encode(s)

export async function* chunks(...all: Uint8Array[]): AsyncGenerator<Uint8Array, void, void> {
  yield* all
}

/** By the backend whose parts these are: a body that fits the first part is put whole. */
export function upload(storage: Recorder, body: Body, options: UploadOptions = {}): Promise<ObjectMeta> {
  const put: ObjectBackend["put"] = (key, whole) => storage.put(key, whole)
  return putBody({ put, parts: storage } as Partial<ObjectBackend> as ObjectBackend, "k", body, options)
}

/** Attempts as core's retry makes them: again after `transient` and `ambiguous`. */
export const twice: Attempt = async (one) => {
  const { signal } = new AbortController()
  try {
    return await one(signal)
  } catch (error) {
    if (!(error instanceof BackendError) || error.kind === "permanent") throw error
    return one(signal)
  }
}
