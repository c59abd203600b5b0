import { type ClaimAtOnce, type Opened, openCheckpointStore, type StoreOptions } from "@ckpt/core"
import { anything, checkStoreOptions, type ShapeOf } from "@ckpt/core/adapter"
import { clientFields } from "./client.js"
import { connect, connectFields, connectHints, type GcsConnectOptions } from "./connect.js"
import { invalid } from "./errors.js"

/**
 * A bucket, and either a ready client or the options of `new Storage()`: `projectId`, `keyFilename`, `credentials`,
 * `authClient`, `apiEndpoint`, … Without any of them, Application Default Credentials are used.
 */
export interface GcsStoreOptions extends StoreOptions, GcsConnectOptions {
  /** The name alone, without "gs://". `prefix` names the place inside the bucket. */
  bucket: string
}

const own: ShapeOf<Omit<GcsStoreOptions, keyof StoreOptions>> = {
  fields: { ...connectFields, bucket: anything },
  hints: connectHints,
  example: "options: { bucket, … }",
}

/**
 * Opens a store in a bucket of Google Cloud Storage. No request is made before the first operation; the bucket must
 * exist by then.
 *
 * @throws {CheckpointError} `CKPT_INVALID` for options that cannot be used, and if neither a client nor the SDK is there;
 *   `CKPT_UNSUPPORTED` with an SDK that is too old
 */
export async function openGcsStore<Claim extends boolean | undefined = undefined>(
  options: GcsStoreOptions & ClaimAtOnce<Claim>,
): Promise<Opened<Claim>> {
  checkStoreOptions("openGcsStore", options, own)
  if (options === undefined) throw invalid("openGcsStore needs options: { bucket, … }.")
  const { bucket, client, userProject, chunkBytes, ...rest } = options
  const given = Object.entries(rest)
  const isForClient = ([name]: readonly [string, unknown]) => Object.hasOwn(clientFields, name)
  const forClient = Object.fromEntries(given.filter(isForClient))
  const backend = await connect({ bucket, client, userProject, chunkBytes, ...forClient })
  const forStore = Object.fromEntries(given.filter((one) => !isForClient(one)))
  return openCheckpointStore({ layout: "objects", ...forStore, backend, ownsBackend: true })
}
