export * from "@ckpt/core"
export { S3Backend, type S3BackendOptions } from "./backend.js"
export { openS3Store, type S3StoreOptions } from "./open.js"
