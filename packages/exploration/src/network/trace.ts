import type { ObjectMeta } from "@ckpt/core"
import { pointerKey } from "../storage/keys.js"
import type { Request } from "./request.js"

/** A key as a trace names it. */
export function short(key: string): string {
  return key
    .replace(/^manifests\/manifest-0*(\d+)\.json$/, "manifest-$1")
    .replace(/^checkpoints\/state-0*(\d+)\.bin$/, "state-$1")
    .replace(/^checkpoints\/checkpoint_0*(\d+)\/(manifest|state)\.\w+$/, "$2-$1")
    .replace(/^checkpoints\/(?=latest\.txt$|pins\/)/, "manifests/")
    .replace(/^manifests\/latest\.txt$/, "latest")
    .replace(pointerKey, "latest")
    .replace(/^manifests\/claims\/0*(\d+)\.0*(\d+)\.json$/, "claim-$1-from-$2")
    .replace(/^manifests\/pins\/(\w+)\.0*(\d+)\.json$/, "pin-$1-$2")
}

/** The answer to a request, as a trace tells it. */
export function outcomeOf({ kind }: Request, value: unknown): string {
  if (value === undefined) return kind === "delete" ? "ok" : "nothing there"
  if (kind === "page") return (value as ObjectMeta[]).map(({ key }) => short(key)).join(" ") || "nothing"
  return "ok"
}
