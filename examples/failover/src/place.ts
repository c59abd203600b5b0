import { type CheckpointStore, openFsStore } from "@ckpt/fs"
import { openS3Store } from "@ckpt/s3"

/** Where the coordinators keep their checkpoints: a folder of this machine, or a bucket. */
export type Place =
  | { readonly kind: "folder"; readonly path: string; readonly silentAfterMs: number }
  | {
      readonly kind: "bucket"
      readonly endpoint: string
      readonly region: string
      readonly bucket: string
      readonly prefix: string
      readonly accessKeyId: string
      readonly secretAccessKey: string
    }

export function openStore(place: Place): Promise<CheckpointStore> {
  if (place.kind === "folder") return openFsStore(place.path, { silentAfterMs: place.silentAfterMs })
  const { endpoint, region, bucket, prefix, accessKeyId, secretAccessKey } = place
  return openS3Store({
    ...{ endpoint, region, bucket, prefix },
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  })
}
