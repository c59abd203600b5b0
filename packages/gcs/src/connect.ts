import { anything, aString, type Shape, type ShapeOf } from "@ckpt/core/adapter"
import { assertBucket } from "./arguments.js"
import { GcsBackend } from "./backend.js"
import { assertClient, type ClientOptions, clientFields, type GcsClient, newClient } from "./client.js"
import { invalid } from "./errors.js"
import { aChunkSize } from "./upload.js"

/** Either a ready client or the options of `new Storage()`, and how requests are made. */
export interface GcsConnectOptions extends ClientOptions {
  /** A ready client, used as it is and left open. */
  client?: GcsClient | undefined
  /** The project that pays for the requests, for a bucket whose requester pays. */
  userProject?: string | undefined
  /** Bytes of one request of a long upload, a multiple of 256 KiB. They are held in memory. Default 8 MiB. */
  chunkBytes?: number | undefined
}

/** The kinds of {@link GcsConnectOptions}. */
export const connectFields: ShapeOf<GcsConnectOptions>["fields"] = {
  ...clientFields,
  client: anything,
  userProject: aString,
  chunkBytes: aChunkSize,
}

/** What to give in place of options of `new Storage()` that are not taken. */
export const connectHints: NonNullable<Shape["hints"]> = {
  retryOptions: "the store makes the retries: retry: { attempts: 4 }",
  timeout: "the store has the time-out: timeoutMs",
}

/**
 * The backend of a bucket. Makes no request.
 *
 * @throws {CheckpointError} `CKPT_INVALID`, saying what to give instead
 */
export async function connect({
  bucket,
  client,
  userProject,
  chunkBytes,
  ...rest
}: GcsConnectOptions & { bucket: string }): Promise<GcsBackend> {
  assertBucket(bucket)
  const given = Object.entries(rest).filter(([, value]) => value !== undefined)
  if (client !== undefined) {
    assertClient(client)
    const names = given.map(([name]) => name).join(", ")
    if (names !== "")
      throw invalid(`client and ${names} were given: set ${names} on the client, or leave the client out.`)
  }
  const made = client ?? (await newClient(Object.fromEntries(given)))
  return new GcsBackend({ client: made, bucket, userProject, chunkBytes })
}
