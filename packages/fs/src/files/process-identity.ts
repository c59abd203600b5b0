import { createHash, randomUUID } from "node:crypto"
import { readFileSync, readlinkSync } from "node:fs"
import { hostname } from "node:os"

/** Identifies a process: the holder of a claim, or the writer of a file. Fields that the system does not tell are left out. */
export interface ProcessIdentity {
  readonly host: string
  readonly pid: number
  /** Differs in each run of the kernel. */
  readonly bootId?: string
  /** The namespace that the pid belongs to. */
  readonly pidNamespace?: string
  /** In clock ticks since the boot. A later process with the same pid has another start time. */
  readonly startTime?: string
  /** Random, made by the process itself: identifies it even if the system tells nothing. */
  readonly instance: string
}

// In the global symbol registry, so that two installed copies of this package are one process.
const key = Symbol.for("@ckpt/fs.process.v1")
const holder = globalThis as { [key]?: ProcessIdentity }

export function thisProcess(): ProcessIdentity {
  holder[key] ??= {
    host: hostname(),
    pid: process.pid,
    ...known("bootId", () => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()),
    ...known("pidNamespace", () => readlinkSync("/proc/self/ns/pid")),
    ...known("startTime", () => statOf("self").startTime),
    instance: randomUUID(),
  }
  return holder[key]
}

export function isThisProcess(other: ProcessIdentity): boolean {
  const own = thisProcess()
  // A worker thread has another instance, so pid and start time are compared too.
  return other.instance === own.instance || (sees(other) && other.pid === own.pid && other.startTime === own.startTime)
}

/** True if that process has certainly ended; false if it lives, or if nothing can be known of it from here. */
export function hasEnded(other: ProcessIdentity): boolean {
  return sees(other) && isGone(other.pid, other.startTime)
}

let domain: string | undefined

/** A text that fits into a file name and tells which process it is; `undefined` if the system tells too little. */
export function processTag(): string | undefined {
  const { pid, startTime } = thisProcess()
  domain ??= pidDomain()
  return domain === undefined || startTime === undefined ? undefined : `${pid}_${startTime}_${domain}`
}

/** What the text of {@link processTag} matches. */
export const processTagPattern = /(\d{1,10})_(\d{1,20})_([0-9a-f]{16})/

/** The pid in such a text. */
export function pidIn(tag: string): number {
  return Number(processTagPattern.exec(tag)?.[1])
}

/** Whether the process of such a text is this one, another one that lives, or has certainly ended. */
export function lifeOf(tag: string): "this" | "lives" | "ended" | "unknown" {
  const own = processTag()
  const [, pid = "", startTime, itsDomain] = processTagPattern.exec(tag) ?? []
  if (itsDomain === undefined || itsDomain !== domain) return "unknown"
  if (tag === own) return "this"
  return isGone(Number(pid), startTime) ? "ended" : "lives"
}

/** Names the run of the kernel and the namespace in which a pid means one process. */
function pidDomain(): string | undefined {
  const { bootId, pidNamespace } = thisProcess()
  if (bootId === undefined || pidNamespace === undefined) return undefined
  return createHash("sha256").update(`${bootId} ${pidNamespace}`).digest("hex").slice(0, 16)
}

function isGone(pid: number, startedAt: string | undefined): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH"
  }
  try {
    const { state, startTime } = statOf(pid)
    // Z: it has ended, and its parent has not asked for its exit status yet.
    return /[ZX]/.test(state) || startTime !== startedAt
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH"
  }
}

/** Whether the pid means the same process here as there: same boot, same pid namespace. */
function sees({ pid, bootId, pidNamespace, startTime }: ProcessIdentity): boolean {
  const own = thisProcess()
  if (bootId === undefined || pidNamespace === undefined || startTime === undefined) return false
  return Number.isSafeInteger(pid) && pid > 0 && bootId === own.bootId && pidNamespace === own.pidNamespace
}

function statOf(pid: number | "self"): { state: string; startTime: string } {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8")
  // The second field is the program's name in parentheses; it may contain anything, also ")". The third field comes after
  // the last ")".
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ")
  const [state, startTime] = [fields[0], fields[19]]
  if (state === undefined || startTime === undefined) throw new Error(`/proc/${pid}/stat has too few fields`)
  return { state, startTime }
}

function known<K extends string>(name: K, read: () => string): { [P in K]?: string } {
  try {
    const value = read()
    return (value === "" ? {} : { [name]: value }) as { [P in K]?: string }
  } catch {
    return {}
  }
}
