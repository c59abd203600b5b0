import {
  BackendError,
  type GetOptions,
  type ObjectBackend,
  type ObjectContent,
  type ObjectMeta,
  type PutOptions,
} from "@ckpt/core"
import { capabilities, contentOf, rangeOf, wholeBody } from "../storage/direct.js"
import { isProbe } from "../storage/keys.js"
import type { SimulatedStorage, StoredObject } from "../storage/storage.js"
import type { ProbeNames } from "./probe-names.js"
import { type How, type Lane, moved, type Request, wait } from "./request.js"
import { short } from "./trace.js"

export interface NetworkedStorage {
  readonly storage: SimulatedStorage
  /** Objects that one page of a listing holds. */
  readonly pageSize: number
  /** If false, what is asked of a probe is answered at once: nobody else knows its key, so nothing can come in between. */
  readonly probesAreScheduled: boolean
  readonly probeNames: ProbeNames
  /** Requests that may arrive although nobody waits for them. */
  readonly late: Request[]
}

/** The requests of one store, or of a process by itself. */
export class Session {
  underWay = 0
  /** Its store was closed. */
  isClosed = false
  /** The first request that came after that. */
  tooLate: string | undefined
}

export type Send = <T>(
  kind: Request["kind"],
  keys: readonly string[],
  detail: string,
  signal: AbortSignal | undefined,
  apply: (how: How) => T,
) => Promise<T>

/** The storage as a process sees it: each request waits in the lane of the process until the network lets it arrive. */
export function backendOf(lane: Lane, networked: NetworkedStorage, session: Session): ObjectBackend {
  const { storage, pageSize, probesAreScheduled, probeNames } = networked
  const atOnceProbe = (key: string) => !probesAreScheduled && isProbe(key)
  const send = sender(lane, networked.late, session)
  const page = async (
    prefix: string,
    after: string,
    since: number,
    signal: AbortSignal | undefined,
  ): Promise<ObjectMeta[]> =>
    send("page", [prefix], after === "" ? "" : ` after ${short(after)}`, signal, ({ behind, mixes }) => {
      if (isProbe(prefix)) return storage.page(prefix, after, pageSize)
      return storage.page(prefix, after, pageSize, behind, mixes && { since, choose: mixes })
    })
  return {
    name: "simulated",
    capabilities,
    put: async (given, body, options: PutOptions = {}) => {
      const key = probeNames.named(given)
      const whole = wholeBody(body)
      const bytes = whole instanceof Uint8Array ? whole : await whole
      const { when, signal } = options
      if (atOnceProbe(key)) return storage.put(key, bytes, when)
      const how = when === undefined ? "" : when === "absent" ? " if absent" : " if unchanged"
      return send("put", [key], how, signal, () => storage.put(key, bytes, when))
    },
    get: async (given, options: GetOptions = {}) => {
      const key = probeNames.named(given)
      const read = ({ slow }: How): ObjectContent | undefined => {
        const stored = storage.get(key, options.ifVersion)
        if (stored === undefined) return undefined
        return slow === true ? inPieces(send, stored, options) : contentOf(stored, options.range)
      }
      return atOnceProbe(key) ? read({}) : send("get", [key], "", options.signal, read)
    },
    head: (key, options) => send("head", [key], "", options?.signal, () => storage.get(key)?.meta),
    async *list(given, { after = "", limit: left = Number.POSITIVE_INFINITY, signal } = {}) {
      const prefix = probeNames.named(given)
      if (atOnceProbe(prefix)) return yield* storage.page(prefix, after, Math.min(left, pageSize))
      const since = storage.changes
      for (;;) {
        const found = (await page(prefix, after, since, signal)).slice(0, left)
        yield* found
        left -= found.length
        const last = found.at(-1)
        // A real listing marks its last page; here the last page is the first that is not full.
        if (last === undefined || found.length < pageSize || left === 0) return
        after = last.key
      }
    },
    delete: async (given, options) => {
      const keys = given.map((key) => probeNames.named(key))
      if (keys.every(atOnceProbe)) {
        storage.delete(keys)
        return []
      }
      const failures = await send("delete", keys, "", options?.signal, ({ spares = () => false }) => {
        const left = keys.filter((key) => storage.objects.has(key) && spares(key))
        storage.delete(keys.filter((key) => !left.includes(key)))
        return left
      })
      // What is asked for has the names of the caller, who knows no numbers of probes.
      return given
        .filter((_, index) => failures.includes(keys[index] as string))
        .map((key) => ({ key, error: new BackendError("transient", "not now") }))
    },
    now: (options) => send("now", [], "", options?.signal, () => new Date(storage.now)),
    async [Symbol.asyncDispose]() {},
  }
}

/** Lets requests wait in the lane until they are chosen. */
export function sender(lane: Lane, late: Request[], session: Session): Send {
  return <T>(
    kind: Request["kind"],
    keys: readonly string[],
    detail: string,
    signal: AbortSignal | undefined,
    apply: (how: How) => T,
  ) =>
    new Promise<T>((resolve, reject) => {
      const what = () => `${lane.name}  ${kind} ${keys.map(short).join(" ")}${detail}`
      if (session.isClosed) session.tooLate ??= what()
      session.underWay++
      const request: Request = {
        what,
        kind,
        keys,
        due: lane.due?.(kind, keys[0] ?? "") ?? Number.POSITIVE_INFINITY,
        write: kind === "put" || kind === "delete",
        firstPage: kind === "page" && detail === "",
        doing: lane.doing,
        apply,
        resolve(value) {
          session.underWay--
          resolve(value as T)
          moved(lane)
        },
        reject(error) {
          session.underWay--
          reject(error)
          moved(lane)
        },
        signal,
      }
      wait(lane, request, late)
      moved(lane)
    })
}

/** A body of the bytes as they were when the read was opened, in two pieces. Each piece must be chosen to arrive. */
function inPieces(send: Send, stored: StoredObject, options: GetOptions): ObjectContent {
  const bytes = rangeOf(stored, options.range)
  const middle = Math.ceil(bytes.length / 2)
  const pieces = [bytes.subarray(0, middle), bytes.subarray(middle)].filter((piece) => piece.length > 0)
  const { key } = stored.meta
  async function* body() {
    for (const [index, piece] of pieces.entries()) {
      yield await send("body", [key], ` piece ${index + 1} of ${pieces.length}`, options.signal, () => piece)
    }
  }
  return { meta: stored.meta, body: body() }
}
