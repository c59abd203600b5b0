import type { ThreadName } from "../scenario/thread-action.js"

// The keys of a thread's objects, written down apart from the saver, so that a mistake in its layout shows.

/** A checkpoint, as its caller names it. */
export interface Place {
  readonly thread: ThreadName
  readonly namespace: string
  readonly id: string
}

/** Without its ending. */
export function baseOf({ thread, namespace, id }: Place): string {
  const inverse = Buffer.from(Buffer.from(id).map((byte) => 255 - byte))
  return `c/${thread}/${nameOf(namespace)}/${inverse.toString("hex")}z`
}

/** The names that occur here have letters, digits and a ":". */
const nameOf = (text: string): string => text.replace(":", "_3a") || "_"

/** `time`: an object that a saver stores to learn the storage's time. */
export interface ThreadKey {
  readonly kind: "checkpoint" | "writes" | "value" | "time"
  readonly thread: ThreadName
  /** Of a checkpoint and of writes. */
  readonly base: string
}

/** What a key of a thread's object says; `undefined` for the key of a probe. */
export function parseKey(key: string): ThreadKey | undefined {
  const [folder, thread, , name = ""] = key.split("/")
  if (folder === "v")
    return { kind: name.startsWith("now-") ? "time" : "value", thread: thread as ThreadName, base: "" }
  if (folder !== "c") return undefined
  const dot = key.indexOf(".")
  const kind = key.endsWith(".c") ? "checkpoint" : "writes"
  return { kind, thread: thread as ThreadName, base: key.slice(0, dot) }
}
