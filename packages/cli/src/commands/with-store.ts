import type { StoreEvent } from "@ckpt/core"
import { clean, messageOf } from "../output/text.js"
import { closeInTime } from "../stores/close.js"
import { type OpenUrlOptions, openStoreUrl } from "../stores/open.js"
import type { OpenedStore } from "../stores/opened.js"
import type { Context } from "./context.js"
import type { StoreFlags } from "./store-command.js"

/** Opens the store of a command, and closes it however the command ends. */
export async function withStore<T>(
  context: Context,
  url: string,
  flags: StoreFlags,
  { onEvent = () => {}, ...options }: Pick<OpenUrlOptions, "readOnly" | "mayBeNew" | "onEvent">,
  use: (opened: OpenedStore) => Promise<T>,
): Promise<T> {
  const { layout, backend, endpoint, region, credentials, timeout } = flags
  const { cwd, env, signal } = context
  const tell = teller(context)
  const opened = await openStoreUrl(url, {
    ...{ layout, backend, endpoint, region, credentials, cwd, env, signal },
    ...options,
    timeoutMs: timeout,
    onEvent(event) {
      tell(event)
      onEvent(event)
    },
  })
  let hasFailed = true
  try {
    const result = await use(opened)
    hasFailed = false
    return result
  } finally {
    await closeInTime(opened.close(), { signal, hasFailed })
  }
}

/** Tells those events on stderr that somebody who looks at a store should know, each once. */
function teller({ terminal }: Context): (event: StoreEvent) => void {
  const told = new Set<string>()
  return (event) => {
    const note = noteOf(event)
    if (note === undefined || told.has(note)) return
    told.add(note)
    terminal.note(`ckpt: ${clean(note)}`)
  }
}

function noteOf(event: StoreEvent): string | undefined {
  if (event.type === "history-lost")
    return `the history ${event.key} cannot be believed: ${event.reason}. ckpt doctor says what to do.`
  if (event.type === "pointer-unreadable")
    return `the pointer ${event.key} cannot be used: ${event.reason}. The next save replaces it.`
  if (event.type === "retry") return `${event.operation} is tried again: ${messageOf(event.error)}`
  return event.type === "claim-abandoned"
    ? `claim ${event.epoch} had begun and did not end; it was taken out.`
    : undefined
}

/** For a place without any checkpoint: a prefix that is misspelt looks the same as a new one. */
export function isUrlRight({ name }: Pick<OpenedStore, "name">): string {
  const what =
    name === "checkpoints" || name === "manifests"
      ? `That of a store ends before ${name}/.`
      : "Compare it, its prefix above all, with that of the job."
  return `ckpt: is the URL right? ${what}`
}
