import type { LayoutName } from "@ckpt/core"
import { ask } from "../stores/ask.js"
import type { OpenedStore } from "../stores/opened.js"

/** Who leads a store, as its history says. */
export interface Lead {
  /** The number of the last claim; 0: nobody ever claimed the store. */
  readonly epoch: number
  /** The random id of the writer that leads. Absent if nobody leads. */
  readonly writer?: string
  /** The number of a claim that is being made. */
  readonly claiming?: number
  /** When the history was last written, by the storage's clock. Absent if there is no history. */
  readonly changed?: Date
  /** Why the history cannot be read. Then nobody knows who leads. */
  readonly problem?: string
}

const historyKeys: Readonly<Record<LayoutName, string>> = {
  directory: "checkpoints/history.json",
  objects: "manifests/history.json",
}

/** Reads the history itself: a store tells who leads only by an error. docs/protocol.md has its fields. */
export async function whoLeads(
  opened: Pick<OpenedStore, "backend" | "prefix" | "layout" | "timeoutMs">,
  signal?: AbortSignal,
): Promise<Lead> {
  const { prefix, layout } = opened
  const found = await readText(opened, `${prefix}${historyKeys[layout]}`, signal)
  if (found === undefined) return { epoch: 0 }
  const { changed, text } = found
  try {
    const { epoch, writer, claiming } = JSON.parse(text) as Record<string, unknown>
    if (typeof epoch !== "number") return { epoch: 0, changed, problem: "it has no epoch" }
    const begun = (claiming as { readonly epoch?: unknown } | undefined)?.epoch
    return {
      ...{ epoch, changed },
      ...(typeof writer === "string" ? { writer } : {}),
      ...(typeof begun === "number" ? { claiming: begun } : {}),
    }
  } catch {
    return { epoch: 0, changed, problem: "it is not JSON" }
  }
}

/** Longer than every history. */
const mostBytes = 17 * 1024 * 1024

/** A small object as text; `undefined` if it is not there. */
export function readText(
  { backend, timeoutMs }: Pick<OpenedStore, "backend" | "timeoutMs">,
  key: string,
  signal?: AbortSignal,
): Promise<{ readonly text: string; readonly changed: Date } | undefined> {
  return ask(
    backend,
    `reading ${key}`,
    async (asked) => {
      const content = await backend.get(key, { signal: asked, range: { offset: 0, length: mostBytes } })
      if (content === undefined) return undefined
      const chunks: Uint8Array[] = []
      for await (const chunk of content.body) chunks.push(chunk)
      return { text: Buffer.concat(chunks).toString("utf8"), changed: content.meta.lastModified }
    },
    { signal, timeoutMs },
  )
}

/** Who leads, for people. */
export function leadText({ epoch, writer, claiming, problem }: Lead): string {
  if (problem !== undefined) return `nobody knows who leads, since the history cannot be read: ${problem}`
  const now =
    writer === undefined ? `nobody leads; the last claim was ${epoch}` : `claim ${epoch} leads (writer ${writer})`
  if (epoch === 0) return "nobody ever claimed this store"
  return claiming === undefined ? now : `${now}; claim ${claiming} is being made`
}
