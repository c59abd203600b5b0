import { BackendError, type ObjectBackend, type PutOptions } from "@ckpt/core"
import { collect, type Mutant, mapped } from "./support.js"

/** How an upload in parts goes wrong. */
interface Wrong {
  /** Keeps a part that arrived. */
  keep?(parts: Uint8Array[], index: number, bytes: Uint8Array): void
  /** Handles the failure of a part. */
  failed?(error: unknown): void
  /** Makes the object appear, for the n-th time. */
  complete?(times: number, put: ReturnType<ObjectBackend["put"]>): ReturnType<ObjectBackend["put"]>
}

/** A put that sends each chunk by itself and then completes the upload. Each request is made inside `attempt`. */
function inParts(real: ObjectBackend, wrong: Wrong): ObjectBackend["put"] {
  return async (key, body, { attempt = alone, ...options } = {}) => {
    const parts: Uint8Array[] = []
    let count = 0
    const sending = mapped(body, (chunk) => new Uint8Array(chunk))
    const sent = async function* () {
      for await (const bytes of sending) {
        const index = count++
        const send = async (signal: AbortSignal) => {
          signal.throwIfAborted()
          if (wrong.keep === undefined) parts[index] = bytes
          else wrong.keep(parts, index, bytes)
        }
        await attempt(send).catch(wrong.failed)
        yield bytes
      }
    }
    await collect(sent(), options)
    let times = 0
    return attempt(async (signal) => {
      signal.throwIfAborted()
      const put = real.put(key, Object.values(parts), options)
      return wrong.complete?.(++times, put) ?? put
    })
  }
}

const alone: NonNullable<PutOptions["attempt"]> = (one) => one(new AbortController().signal)

/** Faults of an upload in parts. */
export const partMutants: readonly Mutant[] = [
  {
    name: "appends a part each time that it is sent",
    of: (real) => ({ put: inParts(real, { keep: (parts, _, bytes) => void parts.push(bytes) }) }),
  },
  {
    name: "leaves out a part that cannot be sent",
    of: (real) => ({ put: inParts(real, { failed: () => {} }) }),
  },
  {
    name: "does not know an upload that it has completed",
    of: (real) => ({
      put: inParts(real, {
        complete: (times, put) =>
          times === 1
            ? put
            : put.then(
                (meta) => meta,
                () => Promise.reject(new BackendError("permanent", "404: no such upload")),
              ),
      }),
    }),
  },
  {
    name: "loses the last part of a short upload",
    of: (real) => ({
      put: (key, body, options) => real.put(key, options?.inParts ? [] : body, options),
    }),
  },
  {
    name: "forgets the condition of a short upload in parts",
    of: (real) => ({
      put(key, body, { when, ...options } = {}) {
        return real.put(key, body, options.inParts && when === "absent" ? options : { ...options, when })
      },
    }),
  },
]
