import type { ObjectMeta } from "@ckpt/core"
import type { Request } from "./request.js"

/** A key as a trace names it. */
export function short(key: string): string {
  if (key.startsWith("c/")) return key.replace(/[0-9a-f]{12,}(?=z)/, idBehind)
  if (key.startsWith("v/")) return key.replace(/([0-9a-f]{8})[0-9a-f]{56}/, "$1")
  return key
    .replace(/^manifests\/manifest-0*(\d+)\.json$/, "manifest-$1")
    .replace(/^checkpoints\/state-0*(\d+)\.bin$/, "state-$1")
    .replace(/^checkpoints\/checkpoint_0*(\d+)\/(manifest|state)\.\w+$/, "$2-$1")
    .replace(/^(?:manifests\/latest\.json|checkpoints\/latest\.txt)$/, "latest")
    .replace(/^(?:manifests|checkpoints)\/history\.json$/, "history")
}

/** The id of a thread's checkpoint, which its key has in descending order. */
function idBehind(hex: string): string {
  return String.fromCharCode(...Buffer.from(hex, "hex").map((byte) => 255 - byte))
}

/** The answer to a request, as a trace tells it. */
export function outcomeOf({ kind }: Request, value: unknown): string {
  if (kind === "delete") {
    const left = value as string[]
    return left.length === 0 ? "ok" : `not ${left.map(short).join(" ")}`
  }
  if (value === undefined) return "nothing there"
  if (kind === "page") return (value as ObjectMeta[]).map(({ key }) => short(key)).join(" ") || "nothing"
  return "ok"
}
