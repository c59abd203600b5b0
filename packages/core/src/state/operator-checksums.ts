import { Digest } from "../bytes/sha256.js"
import type { CheckpointManifest } from "../format/manifest/model.js"

/** The bytes of one operator within the state. */
interface Part {
  readonly name: string
  readonly start: number
  /** Exclusive. */
  readonly end: number
  readonly digest: Digest
}

/**
 * The SHA-256 of each external operator, by its name, computed while the whole state is read. `state` must reject if
 * the whole state does not verify: only then are these checksums to be trusted.
 */
export async function checksumsIn(
  state: AsyncIterable<Uint8Array>,
  operators: CheckpointManifest["operatorStates"],
): Promise<ReadonlyMap<string, string>> {
  const parts: Part[] = []
  for (const [name, operator] of Object.entries(operators)) {
    if (!operator.external) continue
    const { externalOffset: start, externalLength: length } = operator
    parts.push({ name, start, end: start + length, digest: new Digest() })
  }
  let position = 0
  for await (const chunk of state) {
    for (const { start, end, digest } of parts) {
      const part = chunk.subarray(Math.max(0, start - position), Math.max(0, end - position))
      if (part.length > 0) digest.update(part)
    }
    position += chunk.length
  }
  return new Map(parts.map(({ name, digest }) => [name, digest.hex()]))
}
