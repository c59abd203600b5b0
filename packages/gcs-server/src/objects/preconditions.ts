import { conditionNotMet, notModified, ServiceError } from "../errors.js"

/** The conditions of a request on the object that is there. They are numbers; 0 means "no object is there". */
export interface Preconditions {
  readonly ifGenerationMatch?: bigint
  readonly ifGenerationNotMatch?: bigint
  readonly ifMetagenerationMatch?: bigint
  readonly ifMetagenerationNotMatch?: bigint
}

const names = [
  "ifGenerationMatch",
  "ifGenerationNotMatch",
  "ifMetagenerationMatch",
  "ifMetagenerationNotMatch",
] as const satisfies (keyof Preconditions)[]

/** @throws {ServiceError} 400 for a text that is no number */
export function readPreconditions(query: URLSearchParams): Preconditions {
  const read: { -readonly [K in keyof Preconditions]: Preconditions[K] } = {}
  for (const name of names) {
    const value = readLong(query, name)
    if (value !== undefined) read[name] = value
  }
  return read
}

/** A 64-bit number among the parameters. @throws {ServiceError} 400 */
export function readLong(query: URLSearchParams, name: string): bigint | undefined {
  const text = query.get(name)
  if (text === null) return undefined
  if (!/^-?\d{1,19}$/.test(text)) {
    const at = { locationType: "parameter", location: name } as const
    throw new ServiceError(400, "invalidParameter", `Invalid long value: '${text}'.`, at)
  }
  return BigInt(text)
}

/**
 * @param current the object that is there now, if any
 * @throws {ServiceError} 412; for a read whose "not match" condition fails, 304
 */
export function checkPreconditions(
  preconditions: Preconditions,
  current: { readonly generation: number; readonly metageneration: number } | undefined,
  kind: "read" | "write",
): void {
  const generation = BigInt(current?.generation ?? 0)
  const metageneration = BigInt(current?.metageneration ?? 0)
  const { ifGenerationMatch, ifGenerationNotMatch, ifMetagenerationMatch, ifMetagenerationNotMatch } = preconditions
  if (ifGenerationMatch !== undefined && ifGenerationMatch !== generation) throw conditionNotMet()
  if (ifMetagenerationMatch !== undefined && ifMetagenerationMatch !== metageneration) throw conditionNotMet()
  if (ifGenerationNotMatch === generation || ifMetagenerationNotMatch === metageneration) {
    throw kind === "read" ? notModified() : conditionNotMet()
  }
}
