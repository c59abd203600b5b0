import type { ObjectBackend } from "@ckpt/core"

export type BackendCall = "put" | "get" | "head" | "list" | "delete" | "now" | "leftovers" | "commit"

export interface CallInfo {
  readonly call: BackendCall
  /** The key, the prefix of a list, the first key of a delete or commit. */
  readonly key: string
  /** From 1, over all calls. */
  readonly index: number
}

/** What may be put between a store and its storage. Each hook may wait, throw, or replace what the call does. */
export interface Interception {
  /** Stands around a call; call `proceed` for what the backend does. */
  around?(info: CallInfo, proceed: () => Promise<unknown>): Promise<unknown>
}

/**
 * A backend that behaves like the one given, with every call passing through `interception`. Listings count as one
 * call, made when they are first iterated.
 */
export function intercept(backend: ObjectBackend, interception: Interception): ObjectBackend {
  let index = 0
  const through = <T>(call: BackendCall, key: string, proceed: () => Promise<T>): Promise<T> => {
    const info = { call, key, index: ++index }
    return (interception.around === undefined ? proceed() : interception.around(info, proceed)) as Promise<T>
  }
  const { leftovers, commit } = backend
  return {
    name: backend.name,
    capabilities: backend.capabilities,
    put: (key, body, options) => through("put", key, () => backend.put(key, body, options)),
    get: (key, options) => through("get", key, () => backend.get(key, options)),
    head: (key, options) => through("head", key, () => backend.head(key, options)),
    async *list(prefix, options) {
      const metas = await through("list", prefix, async () => {
        const all = []
        for await (const meta of backend.list(prefix, options)) all.push(meta)
        return all
      })
      yield* metas
    },
    delete: (keys, options) => through("delete", keys[0] ?? "", () => backend.delete(keys, options)),
    now: (options) => through("now", "", () => backend.now(options)),
    ...(leftovers === undefined
      ? {}
      : { leftovers: (options) => through("leftovers", options.prefix, () => leftovers.call(backend, options)) }),
    ...(commit === undefined
      ? {}
      : {
          commit: (batch, options) =>
            through("commit", batch.create[0]?.key ?? "", () => commit.call(backend, batch, options)),
        }),
    [Symbol.asyncDispose]: async () => {},
  }
}

/** Notes every call, in order. */
export function recordCalls(backend: ObjectBackend): { backend: ObjectBackend; calls: CallInfo[] } {
  const calls: CallInfo[] = []
  const recording = intercept(backend, {
    around(info, proceed) {
      calls.push(info)
      return proceed()
    },
  })
  return { backend: recording, calls }
}
