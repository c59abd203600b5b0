import { type Agent, type IncomingMessage, request as openRequest } from "node:http"
import { connect } from "node:net"

export interface Sent {
  method?: string
  headers?: Record<string, string> | string[]
  body?: Buffer
  signal?: AbortSignal
  agent?: Agent
  /** Called with the number of bytes of the answer's body so far. */
  onBytes?: (count: number) => void
}

/** The answer as the caller of a client sees it. */
export interface Outcome {
  status?: number
  headers: Record<string, string | string[] | undefined>
  rawHeaders?: string[]
  body: Buffer
  /** A code or a name, if the request or its body failed. */
  error?: string
  continued?: boolean
}

export type Client = (url: string, sent?: Sent) => Promise<Outcome>

export function viaHttp(url: string, sent: Sent = {}): Promise<Outcome> {
  const { method = "GET", headers, body, signal, agent, onBytes } = sent
  return new Promise((resolve) => {
    const outcome: Outcome = { headers: {}, body: Buffer.alloc(0) }
    const chunks: Buffer[] = []
    let size = 0
    const settle = (error?: NodeJS.ErrnoException) => {
      const code = error?.name === "AbortError" ? error.name : error?.code
      resolve({ ...outcome, body: Buffer.concat(chunks), ...(error && { error: code ?? error.message }) })
    }
    const request = openRequest(url, {
      method,
      ...(headers && { headers }),
      ...(signal && { signal }),
      ...(agent && { agent }),
    })
    request.on("error", settle)
    request.on("continue", () => {
      outcome.continued = true
      request.end(body)
    })
    request.on("response", (answer: IncomingMessage) => {
      outcome.status = answer.statusCode ?? 0
      outcome.headers = answer.headers
      outcome.rawHeaders = answer.rawHeaders
      answer.on("data", (chunk: Buffer) => {
        chunks.push(chunk)
        size += chunk.length
        onBytes?.(size)
      })
      answer.on("error", settle)
      answer.on("end", () => settle())
    })
    if (request.getHeader("expect") === undefined) request.end(body)
    else request.flushHeaders()
  })
}

export async function viaFetch(url: string, sent: Sent = {}): Promise<Outcome> {
  const { method = "GET", headers, body, signal, onBytes } = sent
  const outcome: Outcome = { headers: {}, body: Buffer.alloc(0) }
  try {
    const answer = await fetch(url, {
      method,
      ...(headers && { headers: headers as Record<string, string> }),
      ...(body && { body }),
      ...(signal && { signal }),
    })
    outcome.status = answer.status
    outcome.headers = Object.fromEntries(answer.headers)
    for await (const chunk of answer.body ?? []) {
      outcome.body = Buffer.concat([outcome.body, chunk])
      onBytes?.(outcome.body.length)
    }
  } catch (error) {
    const { name, cause } = error as Error & { cause?: NodeJS.ErrnoException }
    outcome.error = name === "AbortError" ? name : (cause?.code ?? name)
  }
  return outcome
}

/** Sends `head` over a bare socket. Resolves with the bytes that arrived, and with how the connection ended. */
export function viaSocket(url: string, head: string): Promise<{ text: string; ended: "reset" | "end" }> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    let text = ""
    const socket = connect(Number(port), hostname, () => socket.write(head))
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1")
    })
    socket.on("end", () => resolve({ text, ended: "end" }))
    socket.on("error", (error: NodeJS.ErrnoException) =>
      resolve({ text, ended: error.code === "ECONNRESET" ? "reset" : "end" }),
    )
  })
}
