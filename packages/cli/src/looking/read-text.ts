import { ask } from "../stores/ask.js"
import type { OpenedStore } from "../stores/opened.js"

const mostBytes = 64 * 1024

/** A small object as text; `undefined` if it is not there. */
export function readText(
  { backend, timeoutMs }: Pick<OpenedStore, "backend" | "timeoutMs">,
  key: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  return ask(
    backend,
    `reading ${key}`,
    async (asked) => {
      const content = await backend.get(key, { signal: asked, range: { offset: 0, length: mostBytes } })
      if (content === undefined) return undefined
      const chunks: Uint8Array[] = []
      for await (const chunk of content.body) chunks.push(chunk)
      return Buffer.concat(chunks).toString("utf8")
    },
    { signal, timeoutMs },
  )
}
