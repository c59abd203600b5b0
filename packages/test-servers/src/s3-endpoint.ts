export interface S3Server {
  /** To be used with path-style addressing (`forcePathStyle: true`). */
  endpoint: string
  region: string
  accessKeyId: string
  secretAccessKey: string
  /** Ends the server when its last user in this process is done; may be called again. */
  stop(): Promise<void>
}
