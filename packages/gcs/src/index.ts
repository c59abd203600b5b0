export * from "@ckpt/core"
export { GcsBackend, type GcsBackendOptions } from "./backend.js"
export type { GcsClient, GcsTransporter } from "./client.js"
export { type GcsStoreOptions, openGcsStore } from "./open.js"
