export * from "@ckpt/core"
export { AzureBackend, type AzureBackendOptions } from "./backend.js"
export type { AzureAccountOptions, AzureCredential } from "./client.js"
export { type AzureStoreOptions, openAzureStore } from "./open.js"
