import type { OutgoingHttpHeaders } from "node:http"

/** Names and values in turn, as they stand on the wire: case, order and duplicates. */
export type RawHeaders = readonly string[]

export function without(raw: RawHeaders, ...names: string[]): string[] {
  return raw.filter((_, i) => !names.includes((raw[i - (i % 2)] ?? "").toLowerCase()))
}

export function has(raw: RawHeaders, name: string): boolean {
  return raw.some((text, i) => i % 2 === 0 && text.toLowerCase() === name)
}

/** Puts `headers` in place of those with the same names. A value of undefined removes the header. */
export function withHeaders(raw: RawHeaders, headers: OutgoingHttpHeaders): string[] {
  const names = Object.keys(headers).map((name) => name.toLowerCase())
  return [...without(raw, ...names), ...rawHeaders(headers)]
}

export function rawHeaders(headers: OutgoingHttpHeaders): string[] {
  const raw: string[] = []
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue
    for (const one of Array.isArray(value) ? value : [value]) raw.push(name, String(one))
  }
  return raw
}
