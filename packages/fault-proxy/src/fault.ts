import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http"

/** The server's answer, read to its end; `body` without its content-encoding, if that was gzip. */
export interface BufferedAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

type Content = string | Uint8Array

/**
 * What happens to a request. "Applied" means that the server received the whole request and answered it, also where the
 * client has given up meanwhile. `afterBytes` counts bytes of body. A body that is cut lacks at least its last byte.
 */
export type Fault =
  /** The connection is reset before anything reaches the server. */
  | { readonly kind: "reset-before" }
  /** Applied; the connection is reset before any byte of the answer. */
  | { readonly kind: "answer-lost" }
  /**
   * The head and up to `afterBytes` of the body, then a reset. The reset may overtake bytes that the client was slow to
   * read. An answer without a body breaks off after its status line.
   */
  | { readonly kind: "reset-mid-answer"; readonly afterBytes: number }
  /**
   * The proxy answers, after it has taken the request's body, or before that with `early`. The server does not see the
   * request, or answers it first with `applied`. `applied` wins over `early`.
   */
  | {
      readonly kind: "status"
      readonly status: number
      readonly headers?: OutgoingHttpHeaders | undefined
      readonly body?: Content | undefined
      readonly early?: boolean | undefined
      readonly applied?: boolean | undefined
    }
  /** Taken from the client, never seen by the server, never answered. */
  | { readonly kind: "hang" }
  /** Applied, never answered. */
  | { readonly kind: "hang-after" }
  /** Like `reset-mid-answer`, but with silence in place of the reset. */
  | { readonly kind: "hang-mid-answer"; readonly afterBytes: number }
  /** The server sees a body that breaks off, and the client a reset. Without a body the server sees nothing. */
  | { readonly kind: "cut-request"; readonly afterBytes: number }
  /**
   * The answer's body ends early and looks complete. `length`: the content-length stays and the connection closes.
   * `chunked`: a proper last chunk. `close`: no length, the connection closes. An empty body stays as it is.
   */
  | { readonly kind: "truncate"; readonly afterBytes: number; readonly framing: "length" | "chunked" | "close" }
  /** One bit of the byte at this offset of the body is flipped; of the last byte, if the body is shorter. */
  | { readonly kind: "corrupt-answer"; readonly at: number }
  | { readonly kind: "corrupt-request"; readonly at: number }
  /** The body comes with `content-encoding: gzip`, although the client did not ask for it, and without a length. */
  | { readonly kind: "compress-answer" }
  /**
   * Applied; status and body are replaced. `status` defaults to the server's. The server's headers stay, but for the
   * length, the content-encoding, and those in `headers` (undefined removes a header).
   */
  | {
      readonly kind: "replace-answer"
      readonly status?: number | undefined
      readonly headers?: OutgoingHttpHeaders | undefined
      readonly body: Content | ((answer: BufferedAnswer) => Content | Promise<Content>)
    }
  /** The head and body of the server's answer, chunked, then spaces for as long as the client reads. */
  | { readonly kind: "endless-answer" }
  /** Waits before anything is forwarded. */
  | { readonly kind: "latency"; readonly ms: number }
  /** Both bodies pass at this rate. */
  | { readonly kind: "trickle"; readonly bytesPerSecond: number }
  /** The client gets the first answer. After that, and after `until`, the same request reaches the server once more. */
  | { readonly kind: "duplicate"; readonly until?: Promise<void> | Gate | undefined }
  /** The whole request is taken from the client. It is applied when released, even if the client has gone by then. */
  | { readonly kind: "hold"; readonly until: Promise<void> | Gate }

/** The first rule that fits, has not run out, and acts decides the fault of a request. Later rules are not asked. */
export interface Rule {
  when(request: ProxiedRequest): boolean
  /** A function may decide by the request. If it returns `undefined`, the rule does not act, and no act is counted. */
  readonly fault: Fault | ((request: ProxiedRequest) => Fault | undefined)
  /** On how many requests the rule acts; default all. */
  readonly times?: number | undefined
  /** How many requests that fit pass first; default 0. */
  readonly skip?: number | undefined
}

/** One request as the proxy saw it. Live: the fields after `headers` are filled in as the exchange goes on. */
export interface ProxiedRequest {
  /** Counts from 0, and from 0 again after `resetCounts()`. */
  readonly index: number
  readonly method: string
  /** Decoded, and without the query. A path that cannot be decoded is as it was sent. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  /** The fault of this request, if a rule acted on it. */
  readonly fault?: Fault | undefined
  /** The status of the server's answer, known when the answer is complete, or when its head is passed on. */
  readonly serverAnswered?: number | undefined
  /** The status that was sent to the client, if the client got an answer. */
  readonly answered?: number | undefined
  /** Bytes of body that came from the client. */
  readonly bytesReceived: number
  /** Bytes of body that were written to the client. */
  readonly bytesSent: number
}

/** Where requests wait until a test lets them go: `{ kind: "hold", until: gate }`. */
export interface Gate {
  /** Resolves with the first request that waits here, once its whole body has arrived. */
  readonly reached: Promise<ProxiedRequest>
  readonly released: Promise<void>
  /** Lets go every request that waits, and every later one. */
  release(): void
  /** Called by the proxy. */
  reach(request: ProxiedRequest): void
}
