import { describe, expect, test } from "vitest"
import { BackendError } from "../../../src/errors.js"
import type { Attempt } from "../../../src/storage/upload-in-parts.js"
import { chunks, Recorder, text, upload } from "./support.js"

describe("failures", () => {
  test("of a part: the others are stopped, then the upload is given up", async () => {
    const storage = new Recorder()
    storage.onPart = async ({ index }, signal) => {
      if (index === 1) throw new BackendError("denied", "no")
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)))
    }
    await expect(upload(storage, chunks(text("abcdefghij")))).rejects.toMatchObject({ kind: "denied" })
    expect(storage.underWay).toBe(0)
    expect(storage.named().at(-1)).toBe("abandon")
    expect(storage.named()).not.toContain("complete")
  })

  test("of a part: one that waits for its next attempt is not waited for", async () => {
    const storage = new Recorder()
    storage.onPart = async ({ index }) => {
      throw new BackendError(index === 0 ? "transient" : "permanent", `part ${index}`)
    }
    const attempt: Attempt = async (one) => {
      try {
        return await one(new AbortController().signal)
      } catch (error) {
        if (error instanceof BackendError && error.kind === "transient") await new Promise(() => {})
        throw error
      }
    }
    await expect(upload(storage, chunks(text("abcdefgh")), { attempt })).rejects.toMatchObject({ message: "part 1" })
    expect(storage.named().at(-1)).toBe("abandon")
  })

  test("of the body: its own error, the upload is given up", async () => {
    const storage = new Recorder()
    const broken = new Error("the source broke")
    async function* failing(): AsyncGenerator<Uint8Array, void, void> {
      yield text("abcdefghij")
      throw broken
    }
    await expect(upload(storage, failing())).rejects.toBe(broken)
    expect(storage.named().at(-1)).toBe("abandon")
    expect(storage.stored).toBeUndefined()
  })

  test.each(["precondition", "denied", "transient", "permanent"] as const)(
    "of the completion, %s: nothing became visible, the upload is given up",
    async (kind) => {
      const storage = new Recorder()
      storage.onComplete = async () => {
        throw new BackendError(kind, "no")
      }
      await expect(upload(storage, chunks(text("abcde")))).rejects.toMatchObject({ kind })
      expect(storage.named().at(-1)).toBe("abandon")
    },
  )

  test("of the completion, unknown: the upload is left, as it may be complete", async () => {
    const storage = new Recorder()
    storage.onComplete = async () => {
      throw new BackendError("ambiguous", "reset")
    }
    await expect(upload(storage, chunks(text("abcde")))).rejects.toMatchObject({ kind: "ambiguous" })
    expect(storage.named().at(-1)).toBe("complete")
  })

  test("an upload that cannot be given up does not hide why", async () => {
    const storage = new Recorder()
    storage.onPart = async () => {
      throw new BackendError("denied", "no")
    }
    storage.abandon = async () => {
      throw new Error("not even that")
    }
    await expect(upload(storage, chunks(text("abcde")))).rejects.toMatchObject({ kind: "denied" })
  })
})

describe("aborts", () => {
  test("before the start: no request, the body is untouched", async () => {
    const storage = new Recorder()
    let opened = false
    const body = {
      [Symbol.asyncIterator]() {
        opened = true
        return chunks()
      },
    }
    const reason = new Error("stop")
    await expect(upload(storage, body, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(opened).toBe(false)
    expect(storage.steps).toEqual([])
  })

  test("while a body hangs: at once, with the reason; the source is told, the upload given up", async () => {
    const storage = new Recorder()
    const abort = new AbortController()
    const reason = new Error("stop")
    let told = false
    let step = 0
    const body = {
      [Symbol.asyncIterator]: () => ({
        async next(): Promise<IteratorResult<Uint8Array>> {
          if (++step === 1) return { done: false, value: text("abcdefghi") }
          // Asked for what comes after the parts that are under way: only the abort ends this.
          queueMicrotask(() => abort.abort(reason))
          return new Promise(() => {})
        },
        async return() {
          told = true
          return { done: true as const, value: undefined }
        },
      }),
    }
    await expect(upload(storage, body, { signal: abort.signal })).rejects.toBe(reason)
    expect(told).toBe(true)
    expect(storage.named().at(-1)).toBe("abandon")
  })
})
