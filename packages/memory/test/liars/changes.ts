import type { ObjectBackend } from "@ckpt/core"
import { bytesAt } from "../mutants/support.js"
import { giving, type Liar, type Whole } from "./support.js"

const step = 16 * 1024

/** A body that looks the object up again before each chunk. */
function lazily(
  real: ObjectBackend,
  next: (now: Uint8Array | undefined, at: number, end: number, whole: Whole) => Uint8Array | undefined,
) {
  return giving(real, async function* (whole) {
    for (let at = whole.start; at < whole.end; at += step) {
      const now = await bytesAt(real, whole.key)
      const chunk = next(now, at, Math.min(whole.end, at + step), whole)
      if (chunk === undefined) return
      yield chunk
    }
  })
}

/** Faults of a body whose object is removed or replaced while it is read. */
export const changeLiars: readonly Liar[] = [
  {
    name: "a body goes on with the bytes of the object that replaced its own",
    caughtBy: ["atomic: readers never see a torn object"],
    of: (real) => lazily(real, (now, at, end, { bytes }) => (now ?? bytes).slice(at, end)),
  },
  {
    name: "a body ends without an error when its object is removed",
    caughtBy: ["atomic: readers never see a torn object"],
    of: (real) => lazily(real, (now, at, end) => now?.slice(at, end)),
  },
  {
    name: "a body of an object that is removed before the first chunk is empty",
    caughtBy: ["get: a reader of an object that is removed gets what it opened, or an error"],
    of: (real) =>
      giving(real, async function* ({ key, bytes, start, end }) {
        if ((await real.head(key)) === undefined) return
        yield bytes.slice(start, end)
      }),
  },
  {
    name: "a body of an object that is replaced before the first chunk has the new bytes",
    caughtBy: ["range: a range that is pinned to a replaced version is refused"],
    of: (real) =>
      giving(real, async function* ({ key, bytes, start, end }) {
        yield ((await bytesAt(real, key)) ?? bytes).slice(start, end)
      }),
  },
  {
    name: "a range of an object that is replaced before the first chunk has the new bytes",
    caughtBy: ["range: a range that is pinned to a replaced version is refused"],
    of: (real) =>
      giving(real, async function* ({ key, bytes, start, end, options }) {
        const now = options.range && (await bytesAt(real, key))
        yield (now ?? bytes).slice(start, end)
      }),
  },
  {
    name: "a body gives zeros for what a shorter object no longer has",
    caughtBy: ["atomic: readers never see a torn object"],
    of: (real) =>
      lazily(real, (now, at, end, { bytes }) => {
        const zeros = new Uint8Array(end - at)
        if (now !== undefined && now.length < bytes.length) return zeros
        return bytes.slice(at, end)
      }),
  },
  {
    name: "a body of an object that is removed in the middle gives its last chunk again",
    caughtBy: ["get: a reader of an object that is removed gets what it opened, or an error"],
    of: (real) =>
      lazily(real, (now, at, end, { bytes }) =>
        now === undefined && at >= step ? bytes.slice(at - step, end - step) : bytes.slice(at, end),
      ),
  },
  {
    name: "a body of a removed object waits for the object to come back",
    caughtBy: ["get: a reader of an object that is removed gets what it opened, or an error"],
    of: (real) =>
      giving(real, async function* ({ key, bytes, start, end, options }) {
        for (let at = start; at < end; at += step) {
          while ((await real.head(key)) === undefined) {
            options.signal?.throwIfAborted()
            await new Promise((resolve) => setTimeout(resolve, 20).unref())
          }
          yield bytes.slice(at, Math.min(end, at + step))
        }
      }),
  },
]
