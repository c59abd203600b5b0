import { createHash } from "node:crypto"
import { Readable } from "node:stream"
import type { $Command, S3ClientResolvedConfig, ServiceInputTypes, ServiceOutputTypes } from "@aws-sdk/client-s3"
import { untilAborted } from "@ckpt/core/adapter"
import type { S3Requests } from "./client.js"
import { type FailedRequest, requestError } from "./errors.js"
import { loadSdk, type Sdk } from "./sdk.js"

type AnyCommand<I extends ServiceInputTypes, O extends ServiceOutputTypes> = $Command<
  I,
  O,
  S3ClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes
>

export interface Place {
  readonly client: S3Requests
  readonly bucket: string
  /** See `S3StoreOptions`. */
  readonly signPayload: boolean
}

export interface Answer<O> {
  readonly output: O
  /** The storage's clock, from the `Date` header. */
  readonly date: Date | undefined
}

/**
 * One request. It rejects with a `BackendError`, or after an abort with the signal's reason. An abort rejects at once,
 * also while the SDK looks for credentials; the SDK itself ignores the signal then.
 */
export async function request<I extends ServiceInputTypes, O extends ServiceOutputTypes>(
  client: S3Requests,
  make: (sdk: Sdk) => AnyCommand<I, O>,
  what: FailedRequest,
  signal: AbortSignal | undefined,
): Promise<Answer<O>> {
  signal?.throwIfAborted()
  const command = make(await loadSdk())
  let date: Date | undefined
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args)
      date = dateOf(result.response)
      return result
    },
    { step: "deserialize", name: "ckptDate" },
  )
  try {
    const sent: Promise<O> = client.send(command, signal === undefined ? {} : { abortSignal: signal })
    sent.then((output) => guardBody(output, signal)).catch(() => {})
    return { output: await untilAborted(sent, signal), date }
  } catch (error) {
    signal?.throwIfAborted()
    throw requestError(error, what)
  }
}

/**
 * Adds `Content-MD5` to `DeleteObjects`: stores without the newer checksums require it, and S3 accepts it. In FIPS mode
 * there is no MD5; then only the SDK's own checksum is sent.
 */
export function addContentMd5<I extends ServiceInputTypes, O extends ServiceOutputTypes>(
  command: AnyCommand<I, O>,
): AnyCommand<I, O> {
  command.middlewareStack.add(
    (next) => async (args) => {
      const { headers, body } = args.request as { headers: Record<string, string>; body: string | Uint8Array }
      try {
        headers["content-md5"] = createHash("md5").update(body).digest("base64")
      } catch {}
      return next(args)
    },
    { step: "build", name: "ckptContentMd5", priority: "low" },
  )
  return command
}

/**
 * Leaves the bytes of an upload out of its signature, where TLS protects them on their way. The signature covers their checksum,
 * which the storage compares; without a checksum they are signed. Otherwise each byte would be hashed once more, with SHA-256.
 */
export function leavePayloadUnsigned<I extends ServiceInputTypes, O extends ServiceOutputTypes>(
  command: AnyCommand<I, O>,
  what: FailedRequest,
): AnyCommand<I, O> {
  command.middlewareStack.add(
    (next) => async (args) => {
      const { headers, protocol } = args.request as { headers: Record<string, string>; protocol?: string }
      const hasChecksum = Object.keys(headers).some((name) => name.startsWith("x-amz-checksum-"))
      if (protocol === "https:" && hasChecksum) {
        headers["x-amz-content-sha256"] ??= "UNSIGNED-PAYLOAD"
        what.isUnsigned = true
      }
      return next(args)
    },
    { step: "build", name: "ckptUnsignedPayload", priority: "low" },
  )
  return command
}

/** A longer object is a state, whose SHA-256 is in its manifest. A second checksum of it would take as long again. */
const longestChecked = 16 * 1024 * 1024

/** Leaves a long download to the manifest's SHA-256: without a checksum in the answer the SDK computes none. */
export function checkShortBodies<I extends ServiceInputTypes, O extends ServiceOutputTypes>(
  command: AnyCommand<I, O>,
): AnyCommand<I, O> {
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args)
      const { headers } = result.response as { headers: Record<string, string> }
      if (Number(headers["content-length"]) > longestChecked) {
        for (const name of Object.keys(headers)) if (name.startsWith("x-amz-checksum-")) delete headers[name]
      }
      return result
    },
    // Nearest to the wire, so that the SDK sees what is left.
    { step: "deserialize", name: "ckptShortChecks", priority: "low" },
  )
  return command
}

/**
 * A body that breaks before anyone reads it must not end the process. After an abort nobody will read it, so it is
 * closed.
 */
function guardBody(output: object, signal: AbortSignal | undefined): void {
  const { Body } = output as { Body?: unknown }
  if (!(Body instanceof Readable)) return
  Body.on("error", () => {})
  if (signal?.aborted) Body.destroy()
}

function dateOf(response: unknown): Date | undefined {
  const header = (response as { headers?: Record<string, string> } | undefined)?.headers?.["date"]
  const date = new Date(header ?? Number.NaN)
  return Number.isNaN(date.getTime()) ? undefined : date
}
