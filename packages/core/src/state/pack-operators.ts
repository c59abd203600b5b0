import { joinChunks } from "../bytes/chunks.js"
import { BlockPool, pieces } from "../bytes/rechunk.js"
import { Digest } from "../bytes/sha256.js"
import { inlineOperator } from "../format/manifest/inline.js"
import { emptyRecord, type OperatorState } from "../format/manifest/model.js"
import { byUtf8 } from "../format/utf8-order.js"
import { StreamFeed } from "./feed.js"
import { optionOf, type StateSource } from "./source.js"
import { chunksOf, release } from "./source-chunks.js"

/** Bytes of an inline state, at most, unless the caller says otherwise. */
export const defaultInlineThreshold = 64 * 1024
/** Bytes of all inline states of one manifest together, at most; before base64. */
const maxInlineBytes = 4 * 1024 * 1024

export interface PackedOperators {
  /** The `state.bin` to write; absent if all operators are inline. */
  readonly feed?: StreamFeed
  /** The manifest's fields. To be called once the feed, if there is one, was read to its end. */
  result(): { operatorStates: Record<string, OperatorState>; operatorChecksums: Record<string, string> | undefined }
}

/**
 * Lays out the states of operators. They are read in the order of their names, each once, so that equal operators give
 * equal bytes. All go inline if each is small and they are few. Otherwise all go into one `state.bin`, one behind the
 * other: no `state_checksum` of a manifest with inline and external operators suits both older and newer readers of the
 * reference. Resolves as soon as it is known whether there is a `state.bin`.
 */
export async function packOperators(
  operators: Readonly<Record<string, StateSource>>,
  inlineThreshold: number,
  signal: AbortSignal | undefined,
): Promise<PackedOperators> {
  const packer = new Packer(operators, inlineThreshold, signal)
  // Cut anew over all operators together: a block for each of many small ones would hold far more memory than bytes.
  const bytes = pieces(packer.externalBytes(), packer.blocks)
  const first = await bytes.next()
  const result = () => packer.result()
  if (first.done) return { result }
  async function* fromFirst(head: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
    try {
      yield head
      yield* bytes
    } finally {
      await bytes.return?.()
    }
  }
  return { feed: new StreamFeed(fromFirst(first.value), () => void bytes.return?.(), packer.blocks), result }
}

class Packer {
  readonly blocks = new BlockPool()
  readonly #operators: Readonly<Record<string, StateSource>>
  readonly #inlineThreshold: number
  readonly #signal: AbortSignal | undefined
  readonly #states = emptyRecord<OperatorState>()
  readonly #checksums = emptyRecord<string>()
  #offset = 0

  constructor(
    operators: Readonly<Record<string, StateSource>>,
    inlineThreshold: number,
    signal: AbortSignal | undefined,
  ) {
    this.#operators = operators
    this.#inlineThreshold = inlineThreshold
    this.#signal = signal
  }

  result(): ReturnType<PackedOperators["result"]> {
    const hasExternal = Object.keys(this.#checksums).length > 0
    return { operatorStates: this.#states, operatorChecksums: hasExternal ? this.#checksums : undefined }
  }

  /** The bytes of the external operators, one behind the other; none if all operators go inline. */
  async *externalBytes(): AsyncGenerator<Uint8Array, void, void> {
    const left = new Set(Object.keys(this.#operators).sort(byUtf8))
    /** The operators that fit so far: they go inline only if all do. */
    const small = new Map<string, Uint8Array>()
    let fits = true
    let inlineBytes = 0
    try {
      for (const name of left) {
        left.delete(name)
        const chunks = chunksOf(this.#operators[name] as StateSource, this.#signal, optionOf(name))
        let head: readonly Uint8Array[] = []
        if (fits) {
          const read = await readHead(chunks, Math.min(this.#inlineThreshold, maxInlineBytes - inlineBytes))
          if (read.ended) {
            small.set(name, joinChunks(read.head, read.bytes))
            inlineBytes += read.bytes
            continue
          }
          fits = false
          head = read.head
          for (const [before, bytes] of small) {
            this.#record(before, digestOfBytes(bytes), bytes.length)
            yield bytes
          }
        }
        yield* this.#external(name, head, chunks)
      }
    } finally {
      // A source that was not read still holds its file or socket.
      for (const name of left) release(this.#operators[name] as StateSource)
    }
    if (fits) for (const [name, bytes] of small) this.#states[name] = inlineOperator(bytes)
  }

  async *#external(
    name: string,
    head: readonly Uint8Array[],
    chunks: ReturnType<typeof chunksOf>,
  ): AsyncGenerator<Uint8Array, void, void> {
    const digest = new Digest()
    async function* whole(): AsyncGenerator<Uint8Array, void, void> {
      try {
        yield* head
        yield* chunks
      } finally {
        await chunks.return()
      }
    }
    for await (const chunk of whole()) {
      digest.update(chunk)
      yield chunk
    }
    this.#record(name, digest, digest.size)
  }

  #record(name: string, digest: Digest, externalLength: number): void {
    this.#states[name] = { stateB64: null, external: true, externalOffset: this.#offset, externalLength }
    this.#checksums[name] = digest.hex()
    this.#offset += externalLength
  }
}

function digestOfBytes(bytes: Uint8Array): Digest {
  const digest = new Digest()
  digest.update(bytes)
  return digest
}

/** Reads chunks until there are more than `limit` bytes, or until the source has ended. */
async function readHead(
  chunks: AsyncIterator<Uint8Array, void>,
  limit: number,
): Promise<{ head: Uint8Array[]; bytes: number; ended: boolean }> {
  const head: Uint8Array[] = []
  let bytes = 0
  while (bytes <= limit) {
    const step = await chunks.next()
    if (step.done) return { head, bytes, ended: true }
    // Copied, since the source may use its buffer again for the next chunk. `slice` would not do: of a Buffer it makes
    // no copy.
    head.push(step.value.length <= limit ? new Uint8Array(step.value) : step.value)
    bytes += step.value.length
  }
  return { head, bytes, ended: false }
}
