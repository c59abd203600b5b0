import { hasErrno } from "../files/errors.js"
import type { FileApi } from "../files/file-api.js"
import { lookUp } from "../files/file-info.js"
import { at, claimsName } from "../files/paths.js"
import type { ProcessIdentity } from "../files/process-identity.js"
import { readSmallFile } from "../files/read-small-file.js"
import { claimPath } from "./claim-files.js"

export interface Holder {
  readonly process: ProcessIdentity
  /** After a silence of so many milliseconds, the holder expects to be superseded. */
  readonly silentAfterMs: number
  /** The names of the claimed folders beside `.claims`; `undefined`: everything in the folder is claimed. */
  readonly names?: readonly string[] | undefined
}

/** The holder of a claim; `undefined` if the claim's file cannot be read or is garbled. */
export async function readHolder(files: FileApi, folder: string, n: number): Promise<Holder | undefined> {
  try {
    const found = await readSmallFile(files, claimPath(folder, n))
    return found === undefined ? undefined : parseHolder(new TextDecoder().decode(found.bytes))
  } catch (error) {
    // The file belongs to another user.
    if (hasErrno(error, "EACCES", "EPERM")) return undefined
    // Anything but a file says nothing, and so does a file that is gone.
    if ((await lookUp(files, claimPath(folder, n)))?.isFile() === true) throw error
    return undefined
  }
}

/**
 * Whether the claim that leads in `parent` is about any folder in it for which `isMeant` holds. A store in `parent/team` is another
 * store than the one that claimed `parent/checkpoints`. A claim that cannot be read is about everything.
 */
export async function covers(
  files: FileApi,
  parent: string,
  n: number,
  isMeant: (name: string) => boolean,
): Promise<boolean> {
  const holder = await readHolder(files, at(parent, claimsName), n)
  return holder?.names?.some(isMeant) ?? true
}

export function formatHolder(epoch: number, token: string, { process, silentAfterMs, names }: Holder): Buffer {
  const { host, pid, bootId, pidNamespace, startTime, instance } = process
  const fields = { epoch, token, host, pid, process_start: startTime, pid_namespace: pidNamespace, boot_id: bootId }
  const text = JSON.stringify({ ...fields, instance, silent_after_ms: silentAfterMs, folders: names }, undefined, 2)
  return Buffer.from(`${text}\n`)
}

/** A day is longer than anybody waits. Without a limit, a garbled file could keep everybody out for ever. */
export const silentAfterAtMost = 24 * 60 * 60 * 1000

function parseHolder(text: string): Holder | undefined {
  let json: Record<string, unknown>
  try {
    json = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof json !== "object" || json === null) return undefined
  const field = (name: string) => (typeof json[name] === "string" ? (json[name] as string) : undefined)
  const [bootId, pidNamespace, startTime] = [field("boot_id"), field("pid_namespace"), field("process_start")]
  const { pid, silent_after_ms: silentAfterMs, folders } = json
  const names = Array.isArray(folders) ? folders.filter((name) => typeof name === "string") : undefined
  return {
    process: {
      host: field("host") ?? "unknown",
      pid: typeof pid === "number" ? pid : 0,
      instance: field("instance") ?? "",
      ...(bootId !== undefined && { bootId }),
      ...(pidNamespace !== undefined && { pidNamespace }),
      ...(startTime !== undefined && { startTime }),
    },
    silentAfterMs: typeof silentAfterMs === "number" && silentAfterMs <= silentAfterAtMost ? silentAfterMs : 0,
    names,
  }
}
