import { randomBytes } from "node:crypto"

/** Ids are padded to six digits and grow past them. */
export function formatId(id: number): string {
  return String(id).padStart(6, "0")
}

/**
 * Reads an id back, strictly: only what {@link formatId} writes. `undefined`: not an id. `"unsafe"`: an id in the right
 * form that no JavaScript number holds exactly.
 */
export function parseId(text: string): number | "unsafe" | undefined {
  if (!/^\d{6,}$/.test(text) || (text.length > 6 && text.startsWith("0"))) return undefined
  const id = Number(text)
  return Number.isSafeInteger(id) ? id : "unsafe"
}

export function newToken(): string {
  return randomBytes(16).toString("hex")
}

export function ascending(a: number, b: number): number {
  return a - b
}

/** Latest first: ids are ordered as numbers, whatever the order of their names. */
export function latestFirst(ids: Iterable<number>): number[] {
  return [...ids].sort((a, b) => b - a)
}

export function oldestFirst(ids: Iterable<number>): number[] {
  return [...ids].sort(ascending)
}
