export type { AccessOptions, AccessRequest, Permission } from "./access.js"
export { ServiceError } from "./errors.js"
export { type GcsServer, type GcsServerOptions, startGcsServer } from "./server.js"
