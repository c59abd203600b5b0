import { joinChunks } from "../bytes/chunks.js"
import { Blocks, pieces } from "../bytes/rechunk.js"
import { Digest } from "../bytes/sha256.js"
import { CheckpointError } from "../errors.js"
import { inlineOperator } from "../format/manifest/inline.js"
import { emptyRecord, type OperatorState } from "../format/manifest/model.js"
import { StreamFeed } from "./feed.js"
import { chunksOf, release, type StateSource } from "./source.js"

/** Up to here an operator's state is kept in the manifest. Bytes. */
export const defaultInlineThreshold = 64 * 1024
/** All inline states of one manifest together. Bytes, before base64. */
const maxInlineBytes = 4 * 1024 * 1024

export interface PackedOperators {
  /** The `state.bin` to write; absent if everything went inline. */
  readonly feed?: StreamFeed
  /** Valid once the feed was read to its end. */
  result(): { operatorStates: Record<string, OperatorState>; operatorChecksums: Record<string, string> | undefined }
}

/**
 * Lays operators out: each is read once, in the order of their names (so that equal operators give equal bytes); what
 * is small goes inline, the rest behind each other into one state. Resolves when it is known whether there is a state.
 */
export async function packOperators(
  operators: Readonly<Record<string, StateSource>>,
  inlineThreshold: number,
  signal: AbortSignal | undefined,
): Promise<PackedOperators> {
  if (!Number.isSafeInteger(inlineThreshold) || inlineThreshold < 0) {
    throw new CheckpointError("CKPT_INVALID", `inlineThreshold is ${inlineThreshold}; give a number of bytes from 0.`)
  }
  const operatorStates = emptyRecord<OperatorState>()
  const checksums = emptyRecord<string>()
  const blocks = new Blocks()
  let external = 0
  let offset = 0

  const left = new Set(Object.keys(operators).sort())

  async function* externalBytes(): AsyncGenerator<Uint8Array, void, void> {
    let inlineBytes = 0
    for (const name of left) {
      left.delete(name)
      const chunks = chunksOf(operators[name] as StateSource, signal)
      const limit = Math.min(inlineThreshold, maxInlineBytes - inlineBytes)
      const head: Uint8Array[] = []
      let headBytes = 0
      let ended = false
      while (headBytes <= limit) {
        const step = await chunks.next()
        if (step.done) {
          ended = true
          break
        }
        // Copied: the source may use its buffer again for the next chunk. Not by `slice`, which copies no Buffer.
        head.push(step.value.length <= limit ? new Uint8Array(step.value) : step.value)
        headBytes += step.value.length
      }
      if (ended) {
        operatorStates[name] = inlineOperator(joinChunks(head, headBytes))
        inlineBytes += headBytes
        continue
      }
      external++
      const digest = new Digest()
      const start = offset
      async function* rest(): AsyncGenerator<Uint8Array, void, void> {
        try {
          yield* head
          yield* chunks
        } finally {
          await chunks.return()
        }
      }
      for await (const piece of pieces(rest(), blocks)) {
        digest.update(piece)
        offset += piece.length
        yield piece
      }
      operatorStates[name] = { stateB64: null, external: true, externalOffset: start, externalLength: offset - start }
      checksums[name] = digest.hex()
    }
  }

  /** Whatever was not read to its end holds a file or a socket. */
  async function* releasing(): AsyncGenerator<Uint8Array, void, void> {
    try {
      yield* externalBytes()
    } finally {
      for (const name of left) release(operators[name] as StateSource)
    }
  }

  const bytes = releasing()
  const first = await bytes.next()
  const result = () => ({ operatorStates, operatorChecksums: external > 0 ? checksums : undefined })
  if (first.done) return { result }
  async function* fromFirst(head: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
    try {
      yield head
      yield* bytes
    } finally {
      await bytes.return()
    }
  }
  return { feed: new StreamFeed(fromFirst(first.value), () => void bytes.return(), blocks), result }
}
