export { type AzureServer, type AzureServerOptions, startAzureServer } from "./azure-server.js"
export { type S3Server, startS3Server } from "./s3-server.js"
