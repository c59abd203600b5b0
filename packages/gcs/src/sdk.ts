import { lazySdk } from "@ckpt/core/adapter"

/** The SDK, loaded with the first call. */
export const loadSdk = lazySdk<typeof import("@google-cloud/storage")>({
  name: "@google-cloud/storage",
  from: import.meta.url,
  load: () => import("@google-cloud/storage"),
})
