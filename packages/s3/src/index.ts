export * from "@ckpt/core"
export { openS3Store, type S3StoreOptions } from "./open.js"
export { S3Backend, type S3BackendOptions } from "./s3-backend.js"
