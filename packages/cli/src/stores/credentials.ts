import { readFile } from "node:fs/promises"
import { resolve } from "node:path"
import type { ConnectOptions } from "./connect.js"
import { invalid } from "./url.js"

/**
 * The text fields of the file that `--credentials` names; `undefined` if none is named. A file, since the arguments of a process are
 * there to see for all users of the machine.
 *
 * @param known the fields that the scheme takes
 * @throws {CheckpointError} `CKPT_INVALID`; its message has no value of the file
 */
export async function readCredentials<Name extends string>(
  { credentials, cwd }: ConnectOptions,
  known: readonly Name[],
): Promise<Partial<Record<Name, string>> | undefined> {
  if (credentials === undefined) return undefined
  const advice = `it must be a JSON object with some of ${known.join(", ")}`
  let fields: unknown
  try {
    fields = JSON.parse(await readFile(resolve(cwd, credentials), "utf8"))
  } catch (cause) {
    const why = cause instanceof SyntaxError ? "is no JSON" : `cannot be read (${(cause as Error).message})`
    throw invalid(`--credentials ${credentials} ${why}; ${advice}`)
  }
  if (typeof fields !== "object" || fields === null)
    throw invalid(`--credentials ${credentials} is no object; ${advice}`)
  const names = new Set<string>(known)
  for (const [name, value] of Object.entries(fields)) {
    if (!names.has(name) || typeof value !== "string")
      throw invalid(`--credentials ${credentials}: ${JSON.stringify(name)} is not known, or no text; ${advice}`)
  }
  return fields as Partial<Record<Name, string>>
}
