import { lazySdk } from "@ckpt/core/adapter"

export type Sdk = typeof import("@azure/storage-blob")

/** The SDK, loaded with the first call. */
export const loadSdk = lazySdk<Sdk>({
  name: "@azure/storage-blob",
  from: import.meta.url,
  load: () => import("@azure/storage-blob"),
})
