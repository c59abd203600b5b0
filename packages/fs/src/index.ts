export * from "@ckpt/core"
export { FsBackend, type FsBackendOptions, type SecondWriter } from "./backend.js"
export type { Entry, FileApi, OpenFile, ReaddirOptions } from "./files/file-api.js"
export { type FsStoreOptions, openFsStore } from "./open.js"
