import { lazySdk } from "@ckpt/core/adapter"

/** The SDK, loaded with the first call. */
export const loadSdk = lazySdk<typeof import("@google-cloud/storage")>({
  name: "@google-cloud/storage",
  lowest: "7.15.0",
  from: import.meta.url,
  load: () => import("@google-cloud/storage"),
})
