import type { Kind } from "../input/kinds.js"
import { isClass, show } from "../input/show.js"

const methods = ["put", "get", "head", "list", "delete", "now"] as const

/** An {@link ObjectBackend}, by its shape: it may come from anywhere. */
export const aBackend: Kind = { fits: (value) => missingOf(value) === undefined, give: (value) => advice(value) }

/** The first thing that a value lacks to be a backend. */
function missingOf(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return "name"
  const given = value as Readonly<Record<PropertyKey, unknown>>
  if (typeof given["name"] !== "string") return "name"
  const { compareAndSwap, maxDeleteBatch } = (given["capabilities"] ?? {}) as Readonly<Record<string, unknown>>
  if (compareAndSwap !== "storage" && compareAndSwap !== "process") return "capabilities.compareAndSwap"
  if (!Number.isSafeInteger(maxDeleteBatch) || (maxDeleteBatch as number) < 1) return "capabilities.maxDeleteBatch"
  for (const method of methods) if (typeof given[method] !== "function") return `${method}()`
  return typeof given[Symbol.asyncDispose] === "function" ? undefined : "[Symbol.asyncDispose]()"
}

function advice(value: unknown): string {
  if (isClass(value)) return `an instance: new ${value.name}(…)`
  if (value instanceof Promise) return "what it resolves to: await it"
  if (typeof (value as { save?: unknown } | null)?.save === "function")
    return "a storage; this is a store, and needs no other"
  const lacks = typeof value === "object" && value !== null ? `; ${show(value)} lacks ${missingOf(value)}` : ""
  return `a storage, such as new FsBackend(root), or the backend of what fromUrl(url) resolves to${lacks}`
}
