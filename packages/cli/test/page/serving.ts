import { request } from "node:http"
import { openCheckpointStore } from "@ckpt/core"
import { MemoryBackend } from "@ckpt/memory"
import { onTestFinished } from "vitest"
import type { StoreToServe } from "../../src/page/door.js"
import { type PageOptions, type ServedPage, servePage } from "../../src/page/serve.js"
import type { OpenedStore } from "../../src/stores/opened.js"

export const token = "a-token-of-the-tests"

/** A store in memory, as the command would have opened it. */
export async function memoryStore(
  name: string,
  options: { backend?: MemoryBackend; readOnly?: boolean } = {},
): Promise<OpenedStore> {
  const { backend = new MemoryBackend(), readOnly = false } = options
  const store = await openCheckpointStore({ backend, readOnly })
  return { url: `memory:${name}`, name, layout: "objects", prefix: "", store, backend, close: () => store.close() }
}

/** Serves stores until the test ends. */
export async function serve(
  stores: readonly (OpenedStore | StoreToServe)[],
  options: Partial<PageOptions> = {},
): Promise<ServedPage> {
  const page = await servePage(stores, { port: 0, token, ...options })
  onTestFinished(async () => {
    await page.close()
    for (const store of stores) if ("store" in store) await store.close()
  })
  return page
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/** One request, whatever its headers: `fetch` would not send another `Host`. */
export function ask(
  url: string,
  {
    method = "GET",
    headers = {},
    body = "",
  }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, agent: false }, (answer) => {
      let text = ""
      answer.setEncoding("utf8")
      answer.on("data", (chunk: string) => {
        text += chunk
      })
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }))
      answer.on("error", reject)
    })
    asked.on("error", reject)
    asked.end(body)
  })
}

export const bearer = { authorization: `Bearer ${token}` }
export const form = { "content-type": "application/x-www-form-urlencoded" }

/** A page, by somebody who has the token. */
export async function read(
  { origin }: ServedPage,
  path: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return ask(`${origin}${path}`, { headers: { ...bearer, accept: "text/html", ...headers } })
}

/** Sends a form of a page, by a program that has the token. */
export async function send({ origin }: ServedPage, path: string, fields: Record<string, string>): Promise<Answer> {
  const body = new URLSearchParams(fields).toString()
  return ask(`${origin}${path}`, { method: "POST", headers: { ...bearer, ...form, accept: "text/html" }, body })
}

/** Waits for the events of a verification to end, and gives what they said. */
export async function followed({ origin }: ServedPage, path: string): Promise<{ event: string; data: string }[]> {
  const { body } = await ask(`${origin}${path}`, { headers: bearer })
  return [...body.matchAll(/^event: (.*)\ndata: (.*)$/gm)].map(([, event = "", data = ""]) => ({ event, data }))
}

/** Waits for the first look at every store. A request for the metrics waits some seconds for a look that goes on. */
export async function listed(page: ServedPage): Promise<void> {
  for (;;) {
    const { body } = await read(page, "/metrics")
    const stores = (name: string) => [...body.matchAll(new RegExp(`^${name}\\{`, "gm"))].length
    if (stores("ckpt_up") > 0 && stores("ckpt_up") === stores("ckpt_last_look_timestamp_seconds")) return
  }
}
