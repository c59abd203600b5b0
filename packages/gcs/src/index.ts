export * from "@ckpt/core"
export { GcsBackend, type GcsBackendOptions } from "./backend.js"
export type {
  GcsAnswer,
  GcsAuth,
  GcsAuthClient,
  GcsChecksum,
  GcsClient,
  GcsTransportDefaults,
  GcsTransporter,
} from "./client.js"
export type { GcsConnectOptions } from "./connect.js"
export { fromUrl } from "./from-url.js"
export { type GcsStoreOptions, openGcsStore } from "./open.js"
