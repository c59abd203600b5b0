import { atOnce, type Work } from "../../async/turns.js"
import type { OwnBytes } from "../../bytes/own-bytes.js"
import { CheckpointError } from "../../errors.js"
import type { OperatorState } from "./model.js"

/** An operator whose state is inline. The bytes are copied, as base64 (RFC 4648, with padding). */
export function inlineOperator(bytes: Uint8Array): OperatorState {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return { stateB64: view.toString("base64"), external: false, externalOffset: 0, externalLength: 0 }
}

/**
 * The bytes of an inline state, copied.
 *
 * @throws {CheckpointError} `CKPT_CORRUPT` if the operator has no inline state (`stateB64` is null), or it is not
 *   base64
 */
export function decodeInline(operator: OperatorState): OwnBytes {
  const { stateB64 } = operator
  if (stateB64 === null) throw new CheckpointError("CKPT_CORRUPT", "the operator has no inline state")
  if (!isBase64(stateB64)) throw new CheckpointError("CKPT_CORRUPT", "the operator's inline state is not valid base64")
  return new Uint8Array(Buffer.from(stateB64, "base64"))
}

/** The bytes of an inline state in base64, without decoding it. */
export function inlineSize(stateB64: string): number {
  const padding = stateB64.endsWith("==") ? 2 : stateB64.endsWith("=") ? 1 : 0
  return Math.max(0, Math.floor((stateB64.length * 3) / 4) - padding)
}

/** True for canonical base64 with padding. (`Buffer` alone would skip characters that are not base64.) */
export function isBase64(value: string): boolean {
  return isShort(value) ? isCanonical(value) : atOnce(checkingBase64(value))
}

/** True if it is checked without a pause. */
export function isShort(value: string): boolean {
  return value.length <= charactersAtOnce
}

/** {@link isBase64} as work with pauses. */
export function* checkingBase64(value: string): Work<boolean> {
  for (let at = 0; at < value.length; at += charactersAtOnce) {
    if (at > 0) yield
    const piece = value.slice(at, at + charactersAtOnce)
    const isLast = at + piece.length === value.length
    // Padding within the text would be canonical within its piece.
    if (!isCanonical(piece) || (!isLast && piece.endsWith("="))) return false
  }
  return true
}

/** A multiple of four, so that each piece is base64 by itself. */
const charactersAtOnce = 1024 * 1024

function isCanonical(value: string): boolean {
  return value.length % 4 === 0 && Buffer.from(value, "base64").toString("base64") === value
}
