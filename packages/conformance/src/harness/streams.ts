import type { ObjectBackend } from "@ckpt/core"
import { putBody } from "@ckpt/core/adapter"

/**
 * The same backend, with a `put` that takes a body of any length, as core writes it: in parts where the backend has them.
 * It has no `parts` of its own, so that a store over it, too, writes everything by this `put`.
 */
export function takingStreams(backend: ObjectBackend): ObjectBackend {
  const { leftovers, confirm, commit, announce, claim } = backend
  return {
    name: backend.name,
    capabilities: backend.capabilities,
    put: (key, body, options) => putBody(backend, key, body, options),
    get: (key, options) => backend.get(key, options),
    head: (key, options) => backend.head(key, options),
    list: (prefix, options) => backend.list(prefix, options),
    delete: (keys, options) => backend.delete(keys, options),
    now: (options) => backend.now(options),
    ...(leftovers && { leftovers: (options) => leftovers.call(backend, options) }),
    ...(confirm && { confirm: (keys, options) => confirm.call(backend, keys, options) }),
    ...(commit && { commit: (batch, options) => commit.call(backend, batch, options) }),
    ...(announce && { announce: (options) => announce.call(backend, options) }),
    ...(claim && {
      claim: async (options) => {
        const claimed = await claim.call(backend, options)
        return { ...claimed, backend: takingStreams(claimed.backend) }
      },
    }),
    [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose](),
  }
}
