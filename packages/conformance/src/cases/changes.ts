import type { ObjectBackend, ObjectContent } from "@ckpt/core"
import { pattern } from "../harness/bytes.js"
import type { BackendCase, CaseContext } from "../harness/case.js"
import { cut } from "./support/body.js"
import { checkBackendError, fail, opened, outcome, same, sameBytes } from "./support/check.js"

const key = "folder/object"

/** More than one chunk of a megabyte, and more than a socket's buffer. */
const long = 5 << 20

interface Change {
  readonly loses: string
  readonly run: (by: ObjectBackend, size: number) => Promise<unknown>
}

/** How an object goes while it is read. */
const changes: Readonly<Record<string, Change>> = {
  removed: {
    loses: "a restore of a checkpoint that is pruned meanwhile would end early, as if the state were that short.",
    run: (by) => by.delete([key]),
  },
  "replaced by another of its size": {
    loses: "a reader would restore the beginning of one state and the end of another.",
    run: (by, size) => by.put(key, cut(pattern(size, 2))),
  },
  "replaced by a shorter one": {
    loses: "a reader would restore a state of which the end is missing, or is zeros.",
    run: (by) => by.put(key, [pattern(10, 3)]),
  },
  "replaced by a longer one": {
    loses: "a reader would restore a state with bytes that were never in it.",
    run: (by, size) => by.put(key, cut(pattern(size + 100_000, 4))),
  },
  "removed and created anew": {
    loses: "a reader of an id that was freed would restore what another writer has put in its place.",
    run: async (by, size) => {
      await by.delete([key])
      await by.put(key, cut(pattern(size, 5)), { when: "absent" })
    },
  },
}

/**
 * Opens the object, takes some chunks, changes the object, and reads on. The reader may get the bytes of the object that it
 * opened, or a `BackendError`. Nothing else.
 */
async function overtaken(
  backend: ObjectBackend,
  by: ObjectBackend,
  size: number,
  taken: number,
  what: string,
  change: (by: ObjectBackend, size: number) => Promise<unknown>,
  range: { offset: number; length: number } | undefined,
): Promise<void> {
  const old = pattern(size, 1)
  const wanted = range === undefined ? old : old.subarray(range.offset, range.offset + range.length)
  await backend.put(key, cut(old))
  const content: ObjectContent = await opened(backend, key, { range })
  same(content.meta.size, size, "the size of the object that was opened")
  const iterator = content.body[Symbol.asyncIterator]()
  const chunks: Uint8Array[] = []
  const take = async () => {
    const step = await iterator.next()
    if (!step.done) chunks.push(step.value)
    return step.done === true
  }
  let ended = false
  for (let index = 0; index < taken && !ended; index++) ended = await take()
  await change(by, size)
  const reading = async () => {
    while (!ended) ended = await take()
  }
  const { error } = await outcome(reading())
  const where = taken === 0 ? "before its first chunk" : "in the middle"
  const whole = range === undefined ? "an object" : "a range of an object"
  const told = `the body (get) of ${whole} that was ${what} ${where}`
  if (error !== undefined) {
    checkBackendError(error, told)
    return
  }
  const seen = Buffer.concat(chunks)
  if (seen.length < wanted.length)
    fail(
      told,
      "all bytes of the object that was opened, or a rejection",
      `an end after ${seen.length} of ${wanted.length} bytes`,
    )
  sameBytes(seen, wanted, told)
}

export const changeCases: readonly BackendCase[] = Object.entries(changes).map(([what, { loses, run: change }]) => ({
  name: `get: a reader of an object that is ${what} gets what it opened, or an error`,
  loses,
  async run({ backend, another }: CaseContext) {
    const other = await another()
    for (const size of [100, 200_000, long]) {
      const range = { offset: Math.floor(size / 10), length: size - 2 * Math.floor(size / 10) }
      await overtaken(backend, other, size, 0, what, change, undefined)
      await overtaken(backend, backend, size, 1, what, change, range)
      if (size === long) continue
      await overtaken(backend, backend, size, 1, what, change, undefined)
      await overtaken(backend, other, size, 0, what, change, range)
    }
  },
}))
