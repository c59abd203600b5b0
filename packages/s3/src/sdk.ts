import { lazySdk } from "@ckpt/core/adapter"

export type Sdk = typeof import("@aws-sdk/client-s3")

/** The SDK, loaded with the first call. 3.729 is the first with IfMatch and IfNoneMatch on every write. */
export const loadSdk = lazySdk<Sdk>({
  name: "@aws-sdk/client-s3",
  from: import.meta.url,
  load: () => import("@aws-sdk/client-s3"),
})
