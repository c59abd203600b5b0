export { type AzureServer, type AzureServerOptions, startAzureServer } from "./azure-server.js"
export { findChromium } from "./chromium.js"
export type { S3Server } from "./s3-endpoint.js"
export { startS3Server } from "./s3-server.js"
