import {
  BackendError,
  type GetOptions,
  type ObjectBackend,
  type ObjectContent,
  type ObjectMeta,
  type PutOptions,
  type UploadInParts,
} from "@ckpt/core"
import { joined } from "./bytes.js"
import { takingStreams } from "./streams.js"
import { gate } from "./waiting.js"

/**
 * A call of a backend, by the name of its method: `put`, `get`, `head`, `list`, `delete`, `now`, `leftovers`, `confirm`, `commit`,
 * `claim`; and those of an upload in parts: `begin`, `part`, `complete`, `abandon`.
 */
export type BackendCall =
  | keyof UploadCalls
  | "put"
  | "get"
  | "head"
  | "list"
  | "delete"
  | "now"
  | "leftovers"
  | "confirm"
  | "commit"
  | "claim"

/** The calls of an upload in parts. */
type UploadCalls = Pick<UploadInParts, "begin" | "part" | "complete" | "abandon">

/** One call of a backend. */
export interface CallInfo {
  /** The method. */
  readonly call: BackendCall
  /** The key; of a list or claim the prefix; of a delete, confirm or commit the first key. */
  readonly key: string
  /** From 1, over all calls. */
  readonly index: number
  /** All keys of a delete, confirm or commit. */
  readonly keys?: readonly string[]
  /** Of a get. */
  readonly range?: GetOptions["range"]
  /** Of a put, or of the beginning of an upload in parts. */
  readonly when?: PutOptions["when"]
}

/** Stands between a store and its storage. It may wait, throw, or give another answer. */
export interface Interception {
  /** Runs instead of a call. `proceed` makes the call. */
  around?(info: CallInfo, proceed: () => Promise<unknown>): Promise<unknown>
}

/**
 * The same backend, with every call passing through `interception`. A listing is one call, made when it is first
 * iterated. The backend that a claim gives is intercepted too.
 */
export function intercept(backend: ObjectBackend, interception: Interception): ObjectBackend {
  return { ...intercepted(backend, interception, { index: 0 }), [Symbol.asyncDispose]: async () => {} }
}

function intercepted(backend: ObjectBackend, interception: Interception, calls: { index: number }): ObjectBackend {
  const through: Through = <T>(what: Omit<CallInfo, "index">, proceed: () => Promise<T>) => {
    const info = { ...what, index: ++calls.index }
    return (interception.around === undefined ? proceed() : interception.around(info, proceed)) as Promise<T>
  }
  const { parts, leftovers, confirm, commit, announce, claim } = backend
  return {
    name: backend.name,
    capabilities: backend.capabilities,
    ...(announce && { announce: (options) => announce.call(backend, options) }),
    ...(parts && { parts: interceptedParts(parts, through) }),
    put: (key, body, options) =>
      through({ call: "put", key, when: options?.when }, () => backend.put(key, body, options)),
    get: (key, options) => through({ call: "get", key, range: options?.range }, () => backend.get(key, options)),
    head: (key, options) => through({ call: "head", key }, () => backend.head(key, options)),
    async *list(prefix, options) {
      yield* await through({ call: "list", key: prefix }, async () => {
        const all: ObjectMeta[] = []
        for await (const meta of backend.list(prefix, options)) all.push(meta)
        return all
      })
    },
    delete: (keys, options) =>
      through({ call: "delete", key: keys[0] ?? "", keys }, () => backend.delete(keys, options)),
    now: (options) => through({ call: "now", key: "" }, () => backend.now(options)),
    ...(leftovers === undefined
      ? {}
      : {
          leftovers: (options) =>
            through({ call: "leftovers", key: options.prefix }, () => leftovers.call(backend, options)),
        }),
    ...(confirm && {
      confirm: (keys, options) =>
        through({ call: "confirm", key: keys[0] ?? "", keys }, () => confirm.call(backend, keys, options)),
    }),
    ...(commit === undefined
      ? {}
      : {
          commit: (batch, options) => {
            const keys = batch.create.map(({ key }) => key)
            return through({ call: "commit", key: keys[0] ?? "", keys }, () => commit.call(backend, batch, options))
          },
        }),
    ...(claim === undefined
      ? {}
      : {
          claim: (options) =>
            through({ call: "claim", key: options.prefix }, async () => {
              const claimed = await claim.call(backend, options)
              return { ...claimed, backend: intercepted(claimed.backend, interception, calls) }
            }),
        }),
    [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose](),
  }
}

type Through = <T>(what: Omit<CallInfo, "index">, proceed: () => Promise<T>) => Promise<T>

/** An upload that is intercepted knows its key. */
interface Upload {
  readonly key: string
  readonly of: unknown
}

function interceptedParts(parts: UploadInParts, through: Through): UploadInParts<Upload> {
  return {
    partBytes: (index, size) => parts.partBytes(index, size),
    concurrency: parts.concurrency,
    begin: (key, options) =>
      through({ call: "begin", key, when: options.when }, async () => ({ key, of: await parts.begin(key, options) })),
    part: ({ key, of }, part, options) => through({ call: "part", key }, () => parts.part(of, part, options)),
    complete: ({ key, of }, sent, options) =>
      through({ call: "complete", key }, () => parts.complete(of, sent, options)),
    abandon: ({ key, of }, options) => through({ call: "abandon", key }, () => parts.abandon(of, options)),
  }
}

/** Notes every call, in order. */
export function recordCalls(backend: ObjectBackend): {
  /** The same backend, with its calls noted. */
  backend: ObjectBackend
  /** The calls so far. */
  calls: CallInfo[]
} {
  const { calls, through } = recorder()
  return { backend: through(backend), calls }
}

/** Notes every call of a store that is opened `through` it, in order. */
export function recorder(): { readonly calls: CallInfo[]; through(backend: ObjectBackend): ObjectBackend } {
  const calls: CallInfo[] = []
  const through = (backend: ObjectBackend) =>
    intercept(backend, {
      around(info, proceed) {
        calls.push(info)
        return proceed()
      },
    })
  return { calls, through }
}

/** Calls that fail. */
export interface Fault {
  /** The calls that fail. */
  readonly on: (info: CallInfo) => boolean
  /** "before": the call never reaches the storage. "after": it takes effect, and its answer is lost. */
  readonly at: "before" | "after"
  /** Makes the error of each of these calls. */
  readonly error: () => unknown
  /** How many of these calls fail; default all. */
  readonly times?: number
  /** How many of these calls pass first; default none. */
  readonly skip?: number
}

/** The same backend, on which some calls fail. */
export function withFaults(backend: ObjectBackend, ...faults: readonly Fault[]): ObjectBackend {
  const seen = faults.map(() => 0)
  return intercept(backend, {
    async around(info, proceed) {
      for (const [index, fault] of faults.entries()) {
        const { skip = 0, times = Number.POSITIVE_INFINITY } = fault
        if (!fault.on(info)) continue
        const count = (seen[index] ?? 0) + 1
        seen[index] = count
        if (count <= skip || count > skip + times) continue
        if (fault.at === "after") await dropAnswer(await proceed())
        throw fault.error()
      }
      return proceed()
    },
  })
}

/** Throws an answer away: the body of a get is closed. */
async function dropAnswer(answer: unknown): Promise<void> {
  if (typeof answer !== "object" || answer === null || !("body" in answer)) return
  await (answer as ObjectContent).body[Symbol.asyncIterator]().return?.()
}

/** The error of a write whose answer was lost. */
export const ambiguous = (): BackendError => new BackendError("ambiguous", "the connection was reset")
/** The error of a storage that is too busy. */
export const transient = (): BackendError => new BackendError("transient", "slow down (503)")
export const denied = (): BackendError => new BackendError("denied", "403")
export const full = (): BackendError => new BackendError("full", "no space left on the device")
/** An error that another attempt does not mend. */
export const permanent = (): BackendError => new BackendError("permanent", "the disk is on fire")

/** Matches one kind of call; with a key, only those for that key. */
export function calls(call: BackendCall, key?: string): (info: CallInfo) => boolean {
  return (info) => info.call === call && (key === undefined || info.key === key)
}

/** The same backend without `commit`, so that core saves step by step. */
export function withoutCommit(backend: ObjectBackend): ObjectBackend {
  const { commit: _, ...rest } = intercept(backend, {})
  return rest
}

/**
 * The same backend with a `commit` that is made of puts. It is atomic only as long as there is one writer, which is
 * enough for a scenario.
 */
export function withCommit(backend: ObjectBackend): ObjectBackend {
  const { put } = takingStreams(backend)
  return {
    ...intercept(backend, {}),
    async commit({ create, pointer }, options) {
      for (const { key } of create) {
        if ((await backend.head(key, options)) !== undefined) throw new BackendError("precondition", `${key} exists`)
      }
      const metas: ObjectMeta[] = []
      for (const { key, body } of create) {
        metas.push(await put(key, typeof body === "function" ? body() : body, { ...options, when: "absent" }))
      }
      if (pointer !== undefined) {
        const content = await backend.get(pointer.key, options)
        const current = content && { version: content.meta.version, bytes: await joined(content.body) }
        const bytes = pointer.decide(current)
        if (bytes !== undefined) await backend.put(pointer.key, [bytes], options)
      }
      return metas
    },
  }
}

/**
 * The backend of a process that dies at the first call that matches: before the call takes effect, or after. Every later call
 * fails.
 */
export function dyingAt(meant: (info: CallInfo) => boolean, at: "before" | "after") {
  let dead = false
  const through = (backend: ObjectBackend): ObjectBackend =>
    intercept(backend, {
      async around(info, proceed) {
        if (dead) throw permanent()
        if (!meant(info)) return proceed()
        dead = true
        if (at === "after") await dropAnswer(await proceed())
        throw permanent()
      },
    })
  return { through, died: () => dead }
}

/** Holds the first call that matches until it is released. */
export function heldCall(meant: (info: CallInfo) => boolean) {
  const reached = gate()
  const release = gate()
  let held = false
  const through = (backend: ObjectBackend): ObjectBackend =>
    intercept(backend, {
      async around(info, proceed) {
        if (!held && meant(info)) {
          held = true
          reached.open()
          await release.passed
        }
        return proceed()
      },
    })
  return { through, reached: reached.passed, release: () => release.open() }
}
