export * from "@ckpt/core"
export { MemoryBackend } from "./backend.js"
export { type MemoryStoreOptions, openMemoryStore } from "./open.js"
