export * from "@ckpt/core"
export { FsBackend, type FsBackendOptions, type FsLockOptions } from "./backend.js"
export type { FileApi } from "./files/file-api.js"
export { type FsStoreOptions, openFsStore } from "./open.js"
