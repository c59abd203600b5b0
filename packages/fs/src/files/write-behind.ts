import type { OpenFile } from "./file-api.js"

/** Bytes of one gathered write, and how many chunks it is made of at most. */
const gatheredBytes = 8 << 20
const gatheredBuffers = 2048
const writesUnderWay = 2
/**
 * Each time so many bytes are written, they are sent to the device, while the rest is still being made. So less waits
 * for the end.
 */
const syncedBytes = 16 << 20
/** So many written bytes may wait for a slow device in the system's memory; then the producer waits. */
const unsyncedBytes = 256 << 20

export interface WriteBehindOptions {
  /**
   * Called at the first failure, for a caller that waits for the producer. `add` and `finish` reject with the failure
   * too.
   */
  onFailure?: (error: unknown) => void
  /** Called with each chunk once it is written. A chunk longer than 8 MiB comes back in slices of 8 MiB. */
  onWritten?: ((chunk: Uint8Array) => void) | undefined
}

/**
 * Writes chunks to a new file while their producer makes more. The chunks are gathered into few calls, two of which are
 * under way, and written bytes go to the device early. Memory: three times 8 MiB, whatever the length. Chunks are not
 * copied: a chunk that was added must not change until `onWritten` was called with it, or `finish` has resolved.
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

  /** Takes a chunk. There is room for the next chunk once this has resolved. */
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

  /**
   * Resolves when the system has taken every byte, and rejects only when no call is under way any more. The caller must
   * still sync the file.
   */
  async finish(): Promise<void> {
    try {
      if (this.#groupBytes > 0) await this.#flush()
    } finally {
      await this.settle()
    }
    this.#throwFailure()
  }

  /** Waits until no call is under way, whether they succeed or not. Before that, the file must not be closed. */
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
    // The system reports a failure once and forgets it, so it is kept here: no later sync can make up for it.
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
 * Writes every byte, from `position` on. When the disk is nearly full, `write` and `writev` of Node return a short count
 * without an error (seen on 20.20.2: 12,288 of 16,384), and only the next call fails with ENOSPC.
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
