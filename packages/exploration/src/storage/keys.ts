import type { LayoutName } from "@ckpt/core"

// The keys of the objects, written down apart from core, so that a mistake in core's layout shows.

export const pointerKey = "manifests/latest.json"
/** Of the directory layout. */
const namePointerKey = "checkpoints/latest.txt"

export const pointerKeyOf = (layout: LayoutName = "objects"): string =>
  layout === "objects" ? pointerKey : namePointerKey
export const historyKey = (layout: LayoutName = "objects"): string =>
  layout === "objects" ? "manifests/history.json" : "checkpoints/history.json"
export const manifestKey = (id: number, layout: LayoutName = "objects"): string =>
  layout === "objects" ? `manifests/manifest-${padded(id)}.json` : `checkpoints/checkpoint_${padded(id)}/manifest.json`
export const stateKey = (id: number, layout: LayoutName = "objects"): string =>
  layout === "objects" ? `checkpoints/state-${padded(id)}.bin` : `checkpoints/checkpoint_${padded(id)}/state.bin`

export const isProbe = (key: string): boolean => key.includes(".ckpt-probe-")

export interface ObjectName {
  readonly kind: "manifest" | "state" | "pointer" | "history"
  /** 0 for the pointer and the history. */
  readonly id: number
}

/** The object that a key names in either layout, if it is one of those that the model looks at. */
export function nameOf(key: string): ObjectName | undefined {
  if (key === pointerKey || key === namePointerKey) return { kind: "pointer", id: 0 }
  if (key === historyKey("objects") || key === historyKey("directory")) return { kind: "history", id: 0 }
  if (key.startsWith("manifests/manifest-")) return { kind: "manifest", id: Number.parseInt(key.slice(19), 10) }
  if (key.startsWith("checkpoints/state-")) return { kind: "state", id: Number.parseInt(key.slice(18), 10) }
  if (key.startsWith("checkpoints/checkpoint_")) {
    return { kind: key.endsWith("/manifest.json") ? "manifest" : "state", id: Number.parseInt(key.slice(23), 10) }
  }
  return undefined
}

function padded(id: number): string {
  return String(id).padStart(6, "0")
}
