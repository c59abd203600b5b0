import { Buffer } from "node:buffer"
import type { IncomingMessage, OutgoingHttpHeaders, OutgoingMessage, ServerResponse } from "node:http"
import type { Writable } from "node:stream"
import { setImmediate as turn } from "node:timers/promises"
import { type Chunks, drain } from "./bytes.js"
import { ClientGone } from "./errors.js"
import { flushed } from "./flushed.js"
import { has, type RawHeaders, rawHeaders } from "./headers.js"
import type { RequestRecord } from "./request.js"

/** One request and its answer, seen from the client's side of the proxy. */
export class Exchange {
  readonly record: RequestRecord
  readonly request: IncomingMessage
  /** The answer is over: handed to the kernel, or the connection is gone. */
  readonly closed: Promise<void>
  readonly #response: ServerResponse
  readonly #changed: () => void
  #tellClosed = () => {}
  readonly #background: Promise<unknown>[] = []
  #awaitsContinue: boolean

  constructor(
    record: RequestRecord,
    request: IncomingMessage,
    response: ServerResponse,
    awaitsContinue: boolean,
    changed: () => void,
  ) {
    this.record = record
    this.request = request
    this.#response = response
    this.#awaitsContinue = awaitsContinue
    this.#changed = changed
    this.closed = new Promise((resolve) => {
      this.#tellClosed = resolve
    })
    response.once("close", this.#tellClosed)
    // Reading and writing notice a broken connection. Without these listeners its error would end the process.
    request.on("error", () => {})
    response.on("error", () => {})
    request.socket.once("close", this.#endBody)
  }

  // Once a request has been answered, Node no longer tells it that its connection ended.
  readonly #endBody = () => {
    if (!this.request.complete) this.request.destroy()
  }

  get gone(): boolean {
    return this.#response.destroyed || this.request.socket.destroyed
  }

  get answering(): boolean {
    return this.#response.headersSent
  }

  /** Whether an answer of this status has a body. */
  hasBody(status: number): boolean {
    return this.request.method !== "HEAD" && status >= 200 && status !== 204 && status !== 304
  }

  /** Runs `run` if the client goes before its answer is complete. */
  onAbandoned(run: () => void): void {
    void this.closed.then(() => {
      if (!this.#response.writableFinished) run()
    })
  }

  /** Adds work of the exchange in the background: the exchange is over only after it. */
  alongside(work: Promise<unknown>): void {
    this.#background.push(work)
  }

  async over(): Promise<void> {
    await this.closed
    await Promise.allSettled(this.#background)
    this.request.socket.off("close", this.#endBody).off("error", this.#tellClosed)
  }

  /** The request's body. Leaving it early does not close the connection. */
  async *body(): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.request.iterator({ destroyOnReturn: false })) {
      this.record.bytesReceived += (chunk as Buffer).length
      yield chunk as Buffer
    }
  }

  /** Takes the rest of the request's body, for as long as the client sends. */
  async discardBody(): Promise<void> {
    await drain(this.body()).catch(() => {})
  }

  /** Tells a client that waits for `100 Continue` to send its body. */
  letSend(): void {
    if (!this.#awaitsContinue || this.answering || this.gone) return
    this.#awaitsContinue = false
    this.#response.writeContinue()
  }

  serverAnswered(status: number): void {
    this.record.serverAnswered = status
    this.#changed()
  }

  /** Sends the head. A body with neither a length nor chunks ends with the connection. */
  head(status: number, message: string | undefined, headers: RawHeaders, date = false): void {
    if (this.gone) throw new ClientGone()
    this.record.answered = status
    this.#response.sendDate = date
    this.#response.useChunkedEncodingByDefault = false
    this.#response.writeHead(status, message, [...headers])
    if (this.hasBody(status)) flushHead(this.#response)
    this.#changed()
  }

  async send(chunks: Chunks): Promise<void> {
    for await (const chunk of chunks) {
      this.record.bytesSent += chunk.length
      if (!(await write(this.#response, chunk))) throw new ClientGone()
    }
  }

  end(rawTrailers: RawHeaders = []): void {
    const pairs: [string, string][] = []
    for (let i = 0; i + 1 < rawTrailers.length; i += 2) pairs.push([rawTrailers[i] ?? "", rawTrailers[i + 1] ?? ""])
    if (pairs.length > 0) this.#response.addTrailers(pairs)
    this.#response.end()
  }

  /** An answer of the proxy's own. */
  async answer(status: number, headers: OutgoingHttpHeaders = {}, body: string | Uint8Array = ""): Promise<void> {
    const raw = rawHeaders(headers)
    const bytes = Buffer.from(body as Uint8Array)
    const framed = has(raw, "content-length") || has(raw, "transfer-encoding")
    if (!framed && status !== 204 && status !== 304) raw.push("Content-Length", String(bytes.length))
    // The client may still send its body or not, so the start of its next request could not be found.
    if (this.#awaitsContinue && !has(raw, "connection")) raw.push("Connection", "close")
    this.head(status, undefined, raw, true)
    if (this.hasBody(status) && bytes.length > 0) await this.send(only(bytes))
    this.end()
  }

  /** The status line and nothing more. */
  async breakOffHead(status: number): Promise<void> {
    this.request.socket.write(`HTTP/1.1 ${status} \r\n`)
    await this.flushed()
  }

  /**
   * Resolves when the kernel has all that was written, and a client in this process had a turn to read it. If bytes and
   * a reset arrive in one poll, libuv reports the bytes and then a clean end: a body without a length looks complete.
   */
  async flushed(): Promise<void> {
    await flushed(this.request.socket)
    for (let i = 0; i < 2; i++) await turn()
  }

  /** A real reset (RST). */
  reset(): void {
    const { socket } = this.request
    // If the client is just ending its side, the reset fails (EINVAL). Node then emits `error`, and never `close`.
    socket.once("error", this.#tellClosed)
    socket.resetAndDestroy()
  }

  /** Closes the connection in order (FIN), once all that was written is sent. */
  close(): void {
    this.request.socket.destroySoon()
  }
}

export async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

/** Sends the head before the body. `flushHeaders()` would write UTF-8, but headers are bytes, read as Latin-1. */
export function flushHead(message: OutgoingMessage): void {
  message.write("", "latin1")
}

/** Writes, and waits while the other side is slow. Resolves to false if the other side has gone. */
export async function write(sink: Writable, chunk: Uint8Array): Promise<boolean> {
  if (sink.destroyed) return false
  if (sink.write(chunk)) return true
  return new Promise((resolve) => {
    const settle = () => {
      sink.off("drain", settle).off("close", settle)
      resolve(!sink.destroyed)
    }
    sink.on("drain", settle).on("close", settle)
  })
}
