import type { OpenFile } from "./file-api.js"

/** Bytes of one gathered write, and how many chunks it is made of at most. */
const gatheredBytes = 8 << 20
const gatheredBuffers = 2048
const writesUnderWay = 2
/** So many written bytes at a time are sent to the device while the rest is still being made, not all at the end. */
const syncedBytes = 16 << 20
/** Where the device is slower than that, so many may wait for it: the rest waits here, and not in the system's memory. */
const unsyncedBytes = 256 << 20

export interface WriteBehindOptions {
  /** Called at the first failure, for who waits for something else; `add` and `finish` reject with it too. */
  onFailure?: (error: unknown) => void
  /** Called with each chunk that was written, as it was added; one longer than 8 MiB comes in slices of that. */
  onWritten?: ((chunk: Uint8Array) => void) | undefined
}

/**
 * Writes chunks to a new file behind their producer's back: gathered into few calls, two of them under way, and what was
 * written goes to the device early. Memory: three times 8 MiB, whatever the length. Chunks are not copied: one that was
 * added must not change until `onWritten` was called with it, or `finish` has resolved.
 */
export class WriteBehind {
  readonly #file: OpenFile
  readonly #options: WriteBehindOptions
  #group: Uint8Array[] = []
  #groupBytes = 0
  #position = 0
  readonly #writes: Promise<void>[] = []
  #unsynced = 0
  #syncing: Promise<void> | undefined
  #failure: { readonly error: unknown } | undefined

  constructor(file: OpenFile, options: WriteBehindOptions = {}) {
    this.#file = file
    this.#options = options
  }

  /** Takes a chunk. There is room for the next one once this has resolved. */
  async add(chunk: Uint8Array): Promise<void> {
    if (chunk.byteLength > gatheredBytes) return this.#addLong(chunk)
    if (this.#groupBytes + chunk.byteLength > gatheredBytes || this.#group.length === gatheredBuffers)
      await this.#flush()
    this.#group.push(chunk)
    this.#groupBytes += chunk.byteLength
  }

  async #addLong(chunk: Uint8Array): Promise<void> {
    for (let start = 0; start < chunk.byteLength; start += gatheredBytes)
      await this.add(chunk.subarray(start, start + gatheredBytes))
  }

  /** Resolves when every byte was taken by the system, and rejects when nothing is under way any more. The caller's sync of the file is still needed, and means something. */
  async finish(): Promise<void> {
    try {
      if (this.#groupBytes > 0) await this.#flush()
    } finally {
      await this.settle()
    }
    this.#throwFailure()
  }

  /** Waits for the calls that are under way, whatever becomes of them: before that the file must not be closed. */
  async settle(): Promise<void> {
    while (this.#writes.length > 0) await this.#writes[0]
    await this.#syncing
  }

  async #flush(): Promise<void> {
    while (this.#writes.length >= writesUnderWay) await this.#writes[0]
    while (this.#unsynced >= unsyncedBytes && this.#syncing !== undefined) await this.#syncing
    this.#throwFailure()
    const group = this.#group
    const bytes = this.#groupBytes
    const write = writeAll(this.#file, group, this.#position)
      .then(() => this.#written(group, bytes))
      .catch((error: unknown) => this.#fail(error))
      .finally(() => this.#writes.splice(this.#writes.indexOf(write), 1))
    this.#writes.push(write)
    this.#position += bytes
    this.#group = []
    this.#groupBytes = 0
  }

  #written(group: Uint8Array[], bytes: number): void {
    if (this.#options.onWritten !== undefined) group.forEach(this.#options.onWritten)
    this.#unsynced += bytes
    if (this.#unsynced < syncedBytes || this.#syncing !== undefined || this.#failure !== undefined) return
    this.#unsynced = 0
    // A failure is reported once and then forgotten by the system, so it is kept here: no later sync can make up for it.
    this.#syncing = this.#file
      .datasync()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#syncing = undefined
      })
  }

  #fail(error: unknown): void {
    this.#failure ??= { error }
    this.#options.onFailure?.(error)
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}

/**
 * Writes every byte, from `position` on. `write` and `writev` of Node return a short count without an error when the
 * disk is nearly full (seen on 20.20.2: 12,288 of 16,384); the next call then says ENOSPC.
 */
export async function writeAll(file: OpenFile, buffers: readonly Uint8Array[], position = 0): Promise<void> {
  let rest = buffers.filter((buffer) => buffer.byteLength > 0)
  let at = position
  let stalls = 0
  while (rest.length > 0) {
    const [first, second] = rest
    const { bytesWritten } =
      second === undefined && first !== undefined
        ? await file.write(first, 0, first.byteLength, at)
        : await file.writev(rest, at)
    if (bytesWritten > 0) stalls = 0
    else if (++stalls === 3) throw new Error("the system wrote nothing, three times, without an error")
    rest = withoutFirst(rest, bytesWritten)
    at += bytesWritten
  }
}

function withoutFirst(buffers: Uint8Array[], bytes: number): Uint8Array[] {
  let skip = bytes
  for (const [index, buffer] of buffers.entries()) {
    if (skip < buffer.byteLength) return [buffer.subarray(skip), ...buffers.slice(index + 1)]
    skip -= buffer.byteLength
  }
  return []
}
