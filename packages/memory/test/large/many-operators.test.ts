import { createHash } from "node:crypto"
import { createManifest, openCheckpointStore, type StateSource } from "@ckpt/core"
import { expect, test } from "vitest"
import { pattern, sameBytes, WatchedBackend } from "./watched-backend.js"

const KiB = 1024
const inlineThreshold = 64 * KiB

/** States of mixed sizes: empty, a few bytes, around the threshold, several pieces. */
const sizes = [
  0,
  1,
  100,
  inlineThreshold - 1,
  inlineThreshold,
  inlineThreshold + 1,
  100 * KiB,
  300 * KiB + 7,
  1025 * KiB,
]

interface Operator {
  readonly name: string
  readonly content: Uint8Array
  readonly chunkBytes: number
}

// The order of the names is not the order in which they are given.
const all: readonly Operator[] = Array.from({ length: 300 }, (_, index) => ({
  name: `operator-${(index * 7) % 300}`,
  content: pattern(sizes[index % sizes.length] as number, index),
  chunkBytes: [1000, 64 * KiB, 200 * KiB][index % 3] as number,
}))

test("300 operators, each a stream of unknown size: written once, one behind the other, each with its own checksum", async () => {
  const backend = new WatchedBackend({ chunkBytes: 64 * KiB })
  const store = await openCheckpointStore({ backend })
  let [given, taken, mostBetween, opened, ended] = [0, 0, 0, 0, 0]
  // One that is too large for the manifest makes all of them external.
  const externals = [...all].sort((a, b) => (a.name < b.name ? -1 : 1))
  const firstLarge = externals.findIndex(({ content }) => content.length > inlineThreshold)
  const heldBytes = externals.slice(0, firstLarge).reduce((sum, { content }) => sum + content.length, 0)
  async function* streamOf(operator: Operator): AsyncGenerator<Uint8Array> {
    const { content, chunkBytes } = operator
    opened++
    for (let offset = 0; offset < content.length; offset += chunkBytes) {
      const chunk = content.slice(offset, offset + chunkBytes)
      given += chunk.length
      mostBetween = Math.max(mostBetween, given - taken)
      yield chunk
    }
    ended++
  }
  backend.onChunkTaken = (chunk) => {
    taken += chunk.length
  }
  const operators: Record<string, StateSource> = {}
  for (const operator of all) operators[operator.name] = streamOf(operator)
  const receipt = await store.save(createManifest({ checkpointId: 1, epoch: 1 }), { operators, inlineThreshold })
  expect([opened, ended]).toEqual([300, 300])
  // The bytes that were given and not yet taken are in memory: operators that might still go inline, the beginning of the
  // one that does not, a block that is being filled, and a chunk.
  expect(mostBetween).toBeLessThanOrEqual(heldBytes + inlineThreshold + 256 * KiB + 200 * KiB)

  const state = Buffer.concat(externals.map(({ content }) => content))
  expect(taken).toBe(state.length)
  expect(receipt.stateSize).toBe(state.length)
  expect(receipt.stateChecksum).toBe(createHash("sha256").update(state).digest("hex"))
  const manifest = await store.load(1)
  let offset = 0
  for (const { name, content } of externals) {
    expect(manifest?.operatorStates[name]).toMatchObject({
      external: true,
      externalOffset: offset,
      externalLength: content.length,
    })
    expect(manifest?.operatorChecksums?.[name]).toBe(createHash("sha256").update(content).digest("hex"))
    offset += content.length
  }
  expect(Object.keys(manifest?.operatorChecksums ?? {}).length).toBe(externals.length)
  expect(Object.keys(manifest?.operatorStates ?? {}).length).toBe(300)

  const { checkpoint } = await store.recover()
  backend.resetCounts()
  for (const { name, content } of all) expect(sameBytes(await checkpoint?.operator(name), content)).toBe(true)
  // Each operator's own bytes are read once.
  expect(backend.gets.map(({ range }) => [range?.offset, range?.length])).toEqual(
    all.map(({ name, content }) => [manifest?.operatorStates[name]?.externalOffset, content.length]),
  )
})
