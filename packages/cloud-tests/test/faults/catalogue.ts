import type { Fault, ProxiedRequest } from "@ckpt/fault-proxy"
import type { Cloud } from "../clouds/cloud.js"
import type { Operation } from "./operations.js"

/** The facts of the request that a fault hits. */
interface Hit {
  readonly cloud: Cloud
  readonly request: ProxiedRequest
  /** The bytes of the body, of the answer or of the request, after which it breaks off. */
  readonly afterBytes: number
}

/** "honest": every answer of the store is true. Every outcome must be. */
type Expected = "survived" | "an error" | "honest"

export interface CatalogueFault {
  /** The name of the fault in the table. */
  readonly name: string
  fault(hit: Hit): Fault
  /** How many requests the fault hits; default 1. */
  readonly times?: number
  /** Only a time-out ends the request: time passes once the proxy is this far with it. */
  readonly hangs?: "when it arrived" | "when the server answered" | "when the answer began"
  /** For which requests the fault makes sense; default all. */
  readonly on?: "requests with a body" | "answers with a body"
  /** The outcome that is demanded. Default for a fault that hits once: the caller does not notice it. */
  outcome?(cloud: Cloud, operation: Operation): Expected
}

/** Google's requests for whole objects begin with metadata and end with a boundary; the stored bytes lie in between. */
function damagedByte(cloud: Cloud, request: ProxiedRequest, afterBytes: number): number {
  if (cloud.name !== "gcs" || cloud.see(request).kind !== "put") return afterBytes
  return Number(request.headers["content-length"]) - 55
}

/** Azure has a permission for batches of its own: if a batch is refused, its keys are deleted one by one. */
const refused = ({ name }: Cloud, operation: Operation): Expected =>
  name === "azure" && operation.name === "delete" ? "honest" : "an error"

const slowDown = { kind: "status", status: 503, body: "slow down" } as const

/** Each fault is one row of the table. A fault without `times` hits once: the operation must succeed all the same. */
export const catalogue: readonly CatalogueFault[] = [
  { name: "connection reset before the request arrives", fault: () => ({ kind: "reset-before" }) },
  { name: "request takes effect, answer lost", fault: () => ({ kind: "answer-lost" }) },
  { name: "every answer lost", fault: () => ({ kind: "answer-lost" }), times: Number.POSITIVE_INFINITY },
  {
    name: "request cut in the middle of its body",
    fault: ({ afterBytes }) => ({ kind: "cut-request", afterBytes }),
    on: "requests with a body",
  },
  {
    name: "answer reset in the middle",
    fault: ({ afterBytes }) => ({ kind: "reset-mid-answer", afterBytes }),
  },
  { name: "503, once", fault: () => slowDown },
  { name: "503 although the request took effect", fault: () => ({ ...slowDown, applied: true }) },
  {
    name: "503 while the body is being sent",
    fault: () => ({ ...slowDown, early: true }),
    on: "requests with a body",
  },
  { name: "503 for ever", fault: () => slowDown, times: Number.POSITIVE_INFINITY, outcome: () => "an error" },
  {
    name: "429 with Retry-After: 3",
    fault: () => ({ kind: "status", status: 429, headers: { "retry-after": "3" }, body: "too many" }),
  },
  {
    name: "403",
    fault: () => ({ kind: "status", status: 403, body: "" }),
    outcome: refused,
  },
  {
    name: "404 with a page of HTML, as a proxy has it",
    fault: () => ({
      kind: "status",
      status: 404,
      headers: { "content-type": "text/html" },
      body: "<html><body>Not Found</body></html>",
    }),
    // It must never be taken for "there is no such object".
    outcome: refused,
  },
  { name: "request swallowed, no answer", fault: () => ({ kind: "hang" }), hangs: "when it arrived" },
  {
    name: "every request swallowed, no answer",
    fault: () => ({ kind: "hang" }),
    times: Number.POSITIVE_INFINITY,
    hangs: "when it arrived",
    outcome: () => "an error",
  },
  {
    name: "request takes effect, no answer",
    fault: () => ({ kind: "hang-after" }),
    hangs: "when the server answered",
  },
  {
    name: "silence in the middle of the answer",
    fault: ({ afterBytes }) => ({ kind: "hang-mid-answer", afterBytes }),
    hangs: "when the answer began",
    on: "answers with a body",
  },
  ...(["length", "chunked", "close"] as const).map((framing) => ({
    name: `answer cut short (${{ length: "with its length", chunked: "chunked", close: "Connection: close" }[framing]})`,
    fault: ({ afterBytes }: Hit): Fault => ({ kind: "truncate", afterBytes, framing }),
    on: "answers with a body" as const,
  })),
  {
    name: "answer that never ends",
    fault: () => ({ kind: "endless-answer" }),
    hangs: "when the answer began",
    on: "answers with a body",
  },
  {
    name: "200 with an error as its body",
    fault: ({ cloud }) => ({ kind: "status", status: 200, body: cloud.errorBody }),
  },
  {
    name: "wrong byte in the answer",
    fault: ({ afterBytes }) => ({ kind: "corrupt-answer", at: afterBytes }),
    on: "answers with a body",
  },
  {
    name: "wrong byte in the request",
    fault: ({ cloud, request, afterBytes }) => ({
      kind: "corrupt-request",
      at: damagedByte(cloud, request, afterBytes),
    }),
    on: "requests with a body",
    // Google checks a long upload only at its end and as a whole, and a source that was read cannot be sent again. S3
    // has no checksum for the list of parts.
    outcome: ({ name }, { inParts, name: operation }) =>
      (name === "gcs" && inParts) || (name === "s3" && operation === "completion") ? "an error" : "survived",
  },
  { name: "answer compressed unasked", fault: () => ({ kind: "compress-answer" }), on: "answers with a body" },
  { name: "request delivered twice", fault: () => ({ kind: "duplicate" }) },
]
