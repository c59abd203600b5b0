import { CheckpointError } from "@ckpt/core"

/** @throws {CheckpointError} `CKPT_INVALID` if an option is missing that the call cannot do without */
export function assertGiven<T extends object>(
  what: string,
  options: T | undefined,
  names: readonly (keyof T & string)[],
): void {
  for (const name of names) {
    if (options?.[name] !== undefined) continue
    throw new CheckpointError("CKPT_INVALID", `${what}: ${name} is missing; give { ${names.join(", ")} }.`)
  }
}
