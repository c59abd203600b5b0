import { lazySdk } from "@ckpt/core/adapter"

export type Sdk = typeof import("@aws-sdk/client-s3")

/** The SDK, loaded with the first call. */
export const loadSdk = lazySdk<Sdk>({
  name: "@aws-sdk/client-s3",
  // The first with IfMatch and IfNoneMatch on every write.
  lowest: "3.729.0",
  from: import.meta.url,
  load: () => import("@aws-sdk/client-s3"),
})
