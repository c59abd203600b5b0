// The keys of the objects, written down apart from core, so that a mistake in core's layout shows.

export const pointerKey = "manifests/latest.json"

export const manifestKey = (id: number): string => `manifests/manifest-${padded(id)}.json`
export const stateKey = (id: number): string => `checkpoints/state-${padded(id)}.bin`

export const isProbe = (key: string): boolean => key.includes(".ckpt-probe-")

export interface ObjectName {
  readonly kind: "manifest" | "state" | "pointer"
  /** 0 for the pointer. */
  readonly id: number
}

/** The object that a key names, if it is a manifest, a state or the pointer. */
export function nameOf(key: string): ObjectName | undefined {
  if (key === pointerKey) return { kind: "pointer", id: 0 }
  if (key.startsWith("manifests/manifest-")) return { kind: "manifest", id: Number.parseInt(key.slice(19), 10) }
  if (key.startsWith("checkpoints/state-")) return { kind: "state", id: Number.parseInt(key.slice(18), 10) }
  return undefined
}

function padded(id: number): string {
  return String(id).padStart(6, "0")
}
