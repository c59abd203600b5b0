import { randomUUID } from "node:crypto"

/** An id as it stands in names: at least six digits, `000007`, and more for larger ids, `1000000`. */
export function formatId(id: number): string {
  return String(id).padStart(6, "0")
}

/**
 * Reads an id back. Only the form that {@link formatId} writes is an id; `undefined` for anything else. `"unsafe"`: an
 * id beyond 2^53 - 1, which no JavaScript number holds exactly.
 */
export function parseId(text: string): number | "unsafe" | undefined {
  if (!/^\d{6,}$/.test(text) || (text.length > 6 && text.startsWith("0"))) return undefined
  const id = Number(text)
  return Number.isSafeInteger(id) ? id : "unsafe"
}

/** 32 hex digits, 122 bits of them random, which no other write will have. From a UUID: Node keeps random bytes for these at hand. */
export function newToken(): string {
  return randomUUID().replaceAll("-", "")
}

export function ascending(a: number, b: number): number {
  return a - b
}

/** The ids in descending order, as numbers: `1000000` comes before `999999`, unlike their names. */
export function latestFirst(ids: Iterable<number>): number[] {
  return [...ids].sort((a, b) => b - a)
}

/** The ids in ascending order, as numbers. */
export function oldestFirst(ids: Iterable<number>): number[] {
  return [...ids].sort(ascending)
}
